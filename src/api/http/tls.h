// TLS 1.2 and 1.3 by OpenSSL, for both sides of a connection.
//
// A TlsContext is what many connections share: whom we trust, or who we are. It is immutable and thread-safe. A TlsSession
// is one connection's state over a socket that stays its owner's; it never waits, and is of one thread at a time.
// Certificates are always checked: a server's against the system's authorities (or those of one file, and no others) and
// against the host's name, a client's against the authorities of one file. There is no renegotiation, no resumption and no
// compression, and no way back to plain text.
#ifndef CODELORE_API_HTTP_TLS_H_
#define CODELORE_API_HTTP_TLS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/status.h"

struct ssl_ctx_st;
struct ssl_st;
struct bio_method_st;

namespace codelore::api {

// A server's files, all PEM.
struct TlsFiles {
  std::string certificate;  // with the chain behind it; empty: no TLS
  std::string key;          // not readable by everyone
  std::string client_ca;    // clients are asked for a certificate of these authorities; empty: they are not
  bool client_required = false;  // one without a certificate is not heard
};

class TlsContext {
 public:
  // Empty: the system's authorities.
  static Result<std::shared_ptr<const TlsContext>> ForClients(const std::string& ca_file);
  static Result<std::shared_ptr<const TlsContext>> ForServer(const TlsFiles& files);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

 private:
  friend class TlsSession;
  TlsContext() = default;
  Status Trust(const std::string& ca_file);
  Status Identify(const TlsFiles& files);

  ssl_ctx_st* context_ = nullptr;
  bio_method_st* socket_method_ = nullptr;
};

// What a certificate that was checked says its holder is called.
struct TlsPeer {
  std::vector<std::string> common_names;  // of the subject
  std::vector<std::string> emails;        // alternative names
  int64_t expires_unix_ms = 0;
};

class TlsSession {
 public:
  enum class Io { kDone, kWantsRead, kWantsWrite, kEnd };  // end: closed, broken or refused

  // Null when memory has run out. `context` must be one for servers, or for clients.
  static std::unique_ptr<TlsSession> Accept(std::shared_ptr<const TlsContext> context, int fd);
  // `host`: the name or address the certificate must be for.
  static std::unique_ptr<TlsSession> Connect(std::shared_ptr<const TlsContext> context, int fd, const std::string& host);
  ~TlsSession();

  // Read and Write shake hands first, where that is not done yet.
  Io Handshake();
  Io Read(char* to, size_t size, size_t& count);
  Io Write(std::string_view bytes, size_t& count);
  // Whether the other side has ended, looking at what has arrived.
  bool Ended();
  bool HasBuffered() const;  // decrypted bytes that Read gives without the socket
  void SayGoodbye();         // that nothing more will be written; once
  // Null without a client's certificate, and before the handshake is over.
  std::unique_ptr<TlsPeer> Peer() const;
  // Why the handshake failed, for an administrator: "self-signed certificate".
  std::string Failure() const { return failure_; }

 private:
  explicit TlsSession(std::shared_ptr<const TlsContext> context) : context_(std::move(context)) {}
  static std::unique_ptr<TlsSession> Make(std::shared_ptr<const TlsContext> context, int fd);
  Io Outcome(int result);

  std::shared_ptr<const TlsContext> context_;
  ssl_st* session_ = nullptr;
  bool broken_ = false;
  std::string failure_;
};

}  // namespace codelore::api

#endif  // CODELORE_API_HTTP_TLS_H_
