#include "api/http/tls.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

namespace codelore::api {
namespace {

constexpr char kCiphers12[] = "ECDHE+AESGCM:ECDHE+CHACHA20";  // of TLS 1.2: forward secret, authenticated
// Where the system keeps its authorities, when OpenSSL's own folder is not set up (another distribution).
constexpr const char* kSystemBundles[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};

// OpenSSL's own sockets raise SIGPIPE and may wait.
int SocketWrite(BIO* bio, const char* data, int size) {
  int fd = static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio)));
  BIO_clear_retry_flags(bio);
  ssize_t n = send(fd, data, static_cast<size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(n);
}

int SocketRead(BIO* bio, char* to, int size) {
  int fd = static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio)));
  BIO_clear_retry_flags(bio);
  ssize_t n = recv(fd, to, static_cast<size_t>(size), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(n);
}

long SocketControl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

std::string LastError() {
  unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "it is malformed" : reason;
}

// The only protocol there is; a client that asks for others alone is told so.
int ChooseProtocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size, void*) {
  static constexpr unsigned char kOurs[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  int found = SSL_select_next_proto(&chosen, out_size, kOurs, sizeof(kOurs), in, in_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Text that can be a name: UTF-8 as it is, nothing hidden behind a NUL.
void AddName(const ASN1_STRING* text, std::vector<std::string>& names) {
  unsigned char* utf8 = nullptr;
  int size = ASN1_STRING_to_UTF8(&utf8, text);
  if (size < 0) return;
  names.emplace_back(reinterpret_cast<char*>(utf8), static_cast<size_t>(size));
  OPENSSL_free(utf8);
}

int64_t EndOf(const X509* certificate) {
  std::tm time{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) != 1) return 1;  // long ago
  return int64_t{timegm(&time)} * 1000;
}

}  // namespace

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
  BIO_meth_free(socket_method_);
}

namespace {

SSL_CTX* MakeContext(const SSL_METHOD* method) {
  SSL_CTX* context = SSL_CTX_new(method);
  if (context == nullptr) return nullptr;
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, kCiphers12);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  return context;
}

BIO_METHOD* MakeSocketMethod() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
  if (method == nullptr) return nullptr;
  BIO_meth_set_write(method, SocketWrite);
  BIO_meth_set_read(method, SocketRead);
  BIO_meth_set_ctrl(method, SocketControl);
  return method;
}

}  // namespace

Status TlsContext::Trust(const std::string& ca_file) {
  ERR_clear_error();
  if (!ca_file.empty()) {
    if (SSL_CTX_load_verify_file(context_, ca_file.c_str()) != 1) {
      return InvalidArgument(ca_file + ": holds no certificates of authorities (PEM): " + LastError());
    }
    return OkStatus();
  }
  SSL_CTX_set_default_verify_paths(context_);
  struct stat info;
  if (::stat(X509_get_default_cert_dir(), &info) == 0) return OkStatus();
  for (const char* bundle : kSystemBundles) {
    if (SSL_CTX_load_verify_file(context_, bundle) == 1) break;  // without any, no server is trusted
  }
  return OkStatus();
}

Status TlsContext::Identify(const TlsFiles& files) {
  struct stat info;
  if (::stat(files.key.c_str(), &info) != 0) return InvalidArgument("TLS key file " + files.key + " cannot be read");
  if ((info.st_mode & S_IROTH) != 0) return InvalidArgument("TLS key file " + files.key + " is readable by everyone; chmod 600 it");
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context_, files.certificate.c_str()) != 1) {
    return InvalidArgument("TLS certificate file " + files.certificate + " (PEM): " + LastError());
  }
  if (SSL_CTX_use_PrivateKey_file(context_, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return InvalidArgument("TLS key file " + files.key + " (PEM), for the certificate in " + files.certificate + ": " + LastError());
  }
  SSL_CTX_set_alpn_select_cb(context_, ChooseProtocol, nullptr);
  if (files.client_ca.empty()) return OkStatus();
  RETURN_IF_ERROR(Trust(files.client_ca));
  SSL_CTX_set_client_CA_list(context_, SSL_load_client_CA_file(files.client_ca.c_str()));
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | (files.client_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  return OkStatus();
}

Result<std::shared_ptr<const TlsContext>> TlsContext::ForClients(const std::string& ca_file) {
  std::shared_ptr<TlsContext> made(new TlsContext());
  made->context_ = MakeContext(TLS_client_method());
  made->socket_method_ = MakeSocketMethod();
  if (made->context_ == nullptr || made->socket_method_ == nullptr) return ResourceExhausted("no memory for TLS");
  SSL_CTX_set_verify(made->context_, SSL_VERIFY_PEER, nullptr);
  RETURN_IF_ERROR(made->Trust(ca_file));
  return std::shared_ptr<const TlsContext>(std::move(made));
}

Result<std::shared_ptr<const TlsContext>> TlsContext::ForServer(const TlsFiles& files) {
  if (files.certificate.empty() || files.key.empty()) return InvalidArgument("TLS takes a certificate and its key: give both --tls-cert and --tls-key");
  std::shared_ptr<TlsContext> made(new TlsContext());
  made->context_ = MakeContext(TLS_server_method());
  made->socket_method_ = MakeSocketMethod();
  if (made->context_ == nullptr || made->socket_method_ == nullptr) return ResourceExhausted("no memory for TLS");
  RETURN_IF_ERROR(made->Identify(files));
  return std::shared_ptr<const TlsContext>(std::move(made));
}

std::unique_ptr<TlsSession> TlsSession::Make(std::shared_ptr<const TlsContext> context, int fd) {
  std::unique_ptr<TlsSession> made(new TlsSession(std::move(context)));
  made->session_ = SSL_new(made->context_->context_);
  BIO* bio = BIO_new(made->context_->socket_method_);
  if (made->session_ == nullptr || bio == nullptr) {
    BIO_free(bio);
    return nullptr;
  }
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(made->session_, bio, bio);  // owns it
  return made;
}

std::unique_ptr<TlsSession> TlsSession::Accept(std::shared_ptr<const TlsContext> context, int fd) {
  auto made = Make(std::move(context), fd);
  if (made) SSL_set_accept_state(made->session_);
  return made;
}

std::unique_ptr<TlsSession> TlsSession::Connect(std::shared_ptr<const TlsContext> context, int fd, const std::string& host) {
  auto made = Make(std::move(context), fd);
  if (!made) return nullptr;
  X509_VERIFY_PARAM* rules = SSL_get0_param(made->session_);
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  bool is_address = X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str()) == 1;
  bool bound = is_address || (X509_VERIFY_PARAM_set1_host(rules, host.data(), host.size()) == 1 &&
                              SSL_set_tlsext_host_name(made->session_, host.c_str()) == 1);
  if (!bound) return nullptr;
  ERR_clear_error();  // of the attempt to read a name as an address
  SSL_set_connect_state(made->session_);
  return made;
}

TlsSession::~TlsSession() { SSL_free(session_); }

TlsSession::Io TlsSession::Outcome(int result) {
  if (result > 0) return Io::kDone;
  switch (SSL_get_error(session_, result)) {
    case SSL_ERROR_WANT_READ:
      return Io::kWantsRead;
    case SSL_ERROR_WANT_WRITE:
      return Io::kWantsWrite;
    case SSL_ERROR_ZERO_RETURN:
      return Io::kEnd;
    default:
      break;
  }
  broken_ = true;
  long verified = SSL_get_verify_result(session_);
  failure_ = verified != X509_V_OK ? X509_verify_cert_error_string(verified) : ERR_peek_last_error() != 0 ? LastError() : "the connection was closed";
  return Io::kEnd;
}

// OpenSSL looks at this thread's errors of before, whosever they were.
TlsSession::Io TlsSession::Handshake() {
  ERR_clear_error();
  return Outcome(SSL_do_handshake(session_));
}

TlsSession::Io TlsSession::Read(char* to, size_t size, size_t& count) {
  ERR_clear_error();
  return Outcome(SSL_read_ex(session_, to, size, &count));
}

TlsSession::Io TlsSession::Write(std::string_view bytes, size_t& count) {
  ERR_clear_error();
  return Outcome(SSL_write_ex(session_, bytes.data(), bytes.size(), &count));
}

bool TlsSession::Ended() {
  char one;
  size_t count;
  ERR_clear_error();
  return broken_ || Outcome(SSL_peek_ex(session_, &one, 1, &count)) == Io::kEnd;
}

bool TlsSession::HasBuffered() const { return SSL_pending(session_) > 0; }

void TlsSession::SayGoodbye() {
  ERR_clear_error();
  if (!broken_ && SSL_is_init_finished(session_) == 1) SSL_shutdown(session_);
}

std::unique_ptr<TlsPeer> TlsSession::Peer() const {
  X509* certificate = SSL_is_init_finished(session_) == 1 ? SSL_get0_peer_certificate(session_) : nullptr;
  if (certificate == nullptr || SSL_get_verify_result(session_) != X509_V_OK) return nullptr;
  auto peer = std::make_unique<TlsPeer>();
  peer->expires_unix_ms = EndOf(certificate);
  const X509_NAME* subject = X509_get_subject_name(certificate);
  for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;) {
    AddName(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), peer->common_names);
  }
  auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_EMAIL) AddName(name->d.rfc822Name, peer->emails);
  }
  GENERAL_NAMES_free(names);
  return peer;
}

}  // namespace codelore::api
