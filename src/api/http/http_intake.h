// HttpIntake: accepts connections and reads requests for all of them on one thread.
//
// A connection costs a worker thread only from the moment its request is complete until its answer
// is made: idle, slow-sending and slow-reading clients wait here, each under a deadline, and cost a
// descriptor and some buffer. When the connections reach their limit, the one that waits longest
// for the least makes room, so a newcomer is always heard. Requests that break the rules are
// answered here and their connection is closed; nothing that follows on it is read.
#ifndef CODELORE_API_HTTP_INTAKE_H_
#define CODELORE_API_HTTP_INTAKE_H_

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/http/http_connection.h"
#include "codelore/status.h"

namespace codelore::api {

class HttpIntake {
 public:
  using Milliseconds = std::chrono::milliseconds;
  struct Options {
    int listener = -1;  // bound and listening; stays the caller's
    std::shared_ptr<const TlsContext> tls = {};  // none: plain text
    size_t max_connections = 0;
    size_t max_buffered_bytes = 0;  // of all bodies together
    Milliseconds header_deadline{0};
    Milliseconds idle_timeout{0};
    Milliseconds write_deadline{0};
  };
  // `admit` and `dispatch` run on the intake's thread and must not block. `dispatch` gives a
  // connection with a complete request to a worker, who calls Finish when done; false: there is no
  // room for it.
  HttpIntake(Options options, Admit admit, std::function<bool(HttpConnection&)> dispatch);
  ~HttpIntake();

  Status Start();
  // Hands a connection back with the answer in `out` or on the wire. Any thread.
  void Finish(HttpConnection& connection);
  // Takes no new connections, lets requests under way finish for `drain`, then cuts them. Returns
  // when every worker has finished. Any thread, once.
  void Stop(Milliseconds drain);
  bool stopping() const { return stopping_; }

 private:
  using TimePoint = HttpClock::time_point;

  void Run();
  void Wake();
  HttpConnection* TakeFinished();
  int WaitMs() const;
  template <typename Step>
  void Guarded(uint64_t id, Step step);
  void OnEvent(uint64_t id);
  void OnWake();
  void OnTimers();
  void OnNewcomers();
  bool Accept();
  bool MakeRoom();
  void AddConnection(int fd, std::string peer);

  void Enter(HttpConnection& connection, HttpConnection::Phase phase, Milliseconds limit);
  void SetTimeout(HttpConnection& connection, TimePoint when);
  void WaitFor(HttpConnection& connection, uint32_t events);
  void Receive(HttpConnection& connection);
  void ReadOn(HttpConnection& connection);
  void Dispatch(HttpConnection& connection);
  void Refuse(HttpConnection& connection, const Problem& problem);
  void Flush(HttpConnection& connection);
  void AfterAnswer(HttpConnection& connection);
  void Linger(HttpConnection& connection);
  bool CountBody(HttpConnection& connection, size_t bytes);
  void Close(HttpConnection& connection);

  void BeginStop();
  void CutAll();

  const Options options_;
  const Admit admit_;
  const std::function<bool(HttpConnection&)> dispatch_;
  int epoll_ = -1;
  int wake_ = -1;  // eventfd
  std::jthread thread_;

  // The intake thread's own.
  std::unordered_map<uint64_t, std::unique_ptr<HttpConnection>> connections_;
  std::set<std::pair<TimePoint, uint64_t>> timeouts_;
  uint64_t next_id_ = 0;
  size_t buffered_bytes_ = 0;
  TimePoint accept_after_{};  // set while descriptors have run out
  bool draining_ = false;
  bool cut_ = false;

  TimePoint drain_until_{};  // set before stopping_, read after
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<HttpConnection*> finished_;  // guarded by mutex_
};

}  // namespace codelore::api

#endif  // CODELORE_API_HTTP_INTAKE_H_
