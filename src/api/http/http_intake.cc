#include "api/http/http_intake.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <tuple>

#include "api/http/request_id.h"

namespace codelore::api {
namespace {

using Phase = HttpConnection::Phase;
using IoResult = HttpConnection::IoResult;

// What epoll reports for the two descriptors that are no connections; those count from 2.
constexpr uint64_t kListenerId = 0;
constexpr uint64_t kWakeId = 1;

constexpr std::chrono::milliseconds kLingerTime{1000};
constexpr std::chrono::milliseconds kAcceptPause{50};
// Of a body that is refused but well on its way: reading it lets the client see the answer.
constexpr size_t kLingerBytesAfterHead = 8 * 1024 * 1024;

// A complete answer to a request that never reached a handler.
std::string ProblemAnswer(const Problem& problem, bool with_body) {
  std::string request_id = MakeRequestId();
  std::string body = ProblemJson(problem, request_id);
  std::string answer = "HTTP/1.1 " + std::to_string(problem.http_status) + " " +
                       std::string(HttpStatusTitle(problem.http_status)) + "\r\n";
  for (const HttpField& field : StandardHeaders(request_id, problem.http_status, &problem)) {
    answer += field.name + ": " + field.value + "\r\n";
  }
  answer += "Content-Type: " + std::string(kProblemType) +
            "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  return with_body ? answer + body : answer;
}

void Register(int epoll, int operation, int fd, uint32_t events, uint64_t id) {
  epoll_event event = {.events = events | EPOLLONESHOT, .data = {.u64 = id}};
  epoll_ctl(epoll, operation, fd,
            &event);  // fails only for want of kernel memory: the timeout remains
}

}  // namespace

HttpIntake::HttpIntake(Options options, Admit admit, std::function<bool(HttpConnection&)> dispatch)
    : options_(options), admit_(std::move(admit)), dispatch_(std::move(dispatch)) {}

HttpIntake::~HttpIntake() {
  Stop(Milliseconds(0));
  if (epoll_ >= 0) close(epoll_);
  if (wake_ >= 0) close(wake_);
}

Status HttpIntake::Start() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (epoll_ < 0 || wake_ < 0) {
    return ResourceExhausted(std::string("cannot watch sockets: ") + std::strerror(errno));
  }
  next_id_ = kWakeId + 1;
  finished_.reserve(options_.max_connections + 1);
  Register(epoll_, EPOLL_CTL_ADD, options_.listener, EPOLLIN, kListenerId);
  Register(epoll_, EPOLL_CTL_ADD, wake_, EPOLLIN, kWakeId);
  thread_ = std::jthread([this] { Run(); });
  return OkStatus();
}

void HttpIntake::Finish(HttpConnection& connection) {
  {
    std::lock_guard lock(mutex_);
    finished_.push_back(&connection);  // never beyond what Start reserved
  }
  Wake();
}

HttpConnection* HttpIntake::TakeFinished() {
  std::lock_guard lock(mutex_);
  if (finished_.empty()) return nullptr;
  HttpConnection* connection = finished_.back();
  finished_.pop_back();
  return connection;
}

void HttpIntake::Stop(Milliseconds drain) {
  if (!thread_.joinable()) return;
  drain_until_ = HttpClock::now() + drain;
  stopping_ = true;
  Wake();
  thread_.join();
}

void HttpIntake::Wake() {
  uint64_t one = 1;
  [[maybe_unused]] ssize_t n = write(wake_, &one, sizeof(one));  // full means awake already
}

// ---- the loop
// ---------------------------------------------------------------------------------------------

void HttpIntake::Run() {
  epoll_event events[64];
  while (!draining_ || !connections_.empty()) {
    int count = epoll_wait(epoll_, events, std::size(events), WaitMs());
    for (int i = 0; i < count; ++i) OnEvent(events[i].data.u64);
    OnTimers();
  }
}

int HttpIntake::WaitMs() const {
  TimePoint next = timeouts_.empty() ? TimePoint::max() : timeouts_.begin()->first;
  if (accept_after_ != TimePoint()) next = std::min(next, accept_after_);
  if (draining_ && !cut_) next = std::min(next, drain_until_);
  if (next == TimePoint::max()) return -1;
  auto wait = std::chrono::ceil<Milliseconds>(next - HttpClock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(wait, 0, 60'000));
}

// Runs a step of one connection's life. When memory runs out in it, that connection pays.
template <typename Step>
void HttpIntake::Guarded(uint64_t id, Step step) {
  try {
    step();
  } catch (const std::exception&) {
    auto at = connections_.find(id);
    if (at != connections_.end()) Close(*at->second);
  }
}

void HttpIntake::OnEvent(uint64_t id) {
  if (id == kListenerId) return OnNewcomers();
  if (id == kWakeId) return OnWake();
  auto at = connections_.find(id);
  if (at == connections_.end()) return;  // closed earlier in this round
  HttpConnection& connection = *at->second;
  Guarded(id, [&] {
    switch (connection.phase) {
      case Phase::kReading:
        return Receive(connection);
      case Phase::kFlushing:
        return Flush(connection);
      case Phase::kLingering:
        return Linger(connection);
      case Phase::kBusy:
        return;
    }
  });
}

void HttpIntake::OnWake() {
  uint64_t ignored;
  [[maybe_unused]] ssize_t n = read(wake_, &ignored, sizeof(ignored));
  Register(epoll_, EPOLL_CTL_MOD, wake_, EPOLLIN, kWakeId);
  while (HttpConnection* connection = TakeFinished()) {
    Guarded(connection->id, [&] { Flush(*connection); });
  }
  if (stopping_ && !draining_) BeginStop();
}

void HttpIntake::OnTimers() {
  TimePoint now = HttpClock::now();
  if (accept_after_ != TimePoint() && now >= accept_after_) {
    accept_after_ = TimePoint();
    OnNewcomers();
  }
  if (draining_ && !cut_ && now >= drain_until_) CutAll();
  while (!timeouts_.empty() && timeouts_.begin()->first <= now) {
    HttpConnection& connection = *connections_.at(timeouts_.begin()->second);
    if (connection.phase == Phase::kReading && connection.InRequest()) {
      Guarded(connection.id, [&] {
        Refuse(connection, {.http_status = 408, .detail = "the request did not arrive in time"});
      });
    } else {
      Close(connection);
    }
  }
}

// ---- connections come
// -------------------------------------------------------------------------------------

void HttpIntake::OnNewcomers() {
  if (draining_) return;
  Guarded(kListenerId, [&] {
    for (int i = 0; i < 64 && Accept(); ++i) {  // then let the others have a turn
    }
  });
  if (accept_after_ == TimePoint()) {
    Register(epoll_, EPOLL_CTL_MOD, options_.listener, EPOLLIN, kListenerId);
  }
}

// False when there is nobody more to accept, for now or for want of descriptors.
bool HttpIntake::Accept() {
  sockaddr_storage address = {};
  socklen_t length = sizeof(address);
  int fd = accept4(options_.listener, reinterpret_cast<sockaddr*>(&address), &length,
                   SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd >= 0) {
    AddConnection(fd, PeerAddress(address));
    return true;
  }
  if (errno == ECONNABORTED || errno == EINTR) return true;
  bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
  if (exhausted && MakeRoom()) return true;
  if (exhausted) accept_after_ = HttpClock::now() + kAcceptPause;
  return false;
}

void HttpIntake::AddConnection(int fd, std::string peer) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  bool room = connections_.size() < options_.max_connections || MakeRoom();
  uint64_t id = next_id_++;
  auto owned = std::make_unique<HttpConnection>(id, fd, std::move(peer));
  HttpConnection& connection = *owned;
  if (options_.tls) {
    connection.tls = TlsSession::Accept(options_.tls, fd);
    if (!connection.tls) return;  // no memory for it: closed
  }
  connections_.emplace(id, std::move(owned));
  Register(epoll_, EPOLL_CTL_ADD, fd, 0, id);
  if (!room) {
    return Refuse(connection, {.http_status = 503, .detail = "too many connections; try again"});
  }
  Enter(connection, Phase::kReading, options_.header_deadline);
  WaitFor(connection, EPOLLIN);
}

// Closes the connection that has waited longest, those that owe or are owed something last.
bool HttpIntake::MakeRoom() {
  HttpConnection* victim = nullptr;
  auto rank = [](const HttpConnection& c) {
    bool idle = c.phase == Phase::kLingering || (c.phase == Phase::kReading && !c.InRequest());
    return std::tuple(!idle, c.since);
  };
  for (const auto& [id, connection] : connections_) {
    if (connection->phase == Phase::kBusy) continue;
    if (!victim || rank(*connection) < rank(*victim)) victim = connection.get();
  }
  if (victim) Close(*victim);
  return victim != nullptr;
}

// ---- a connection's life
// ----------------------------------------------------------------------------------

void HttpIntake::SetTimeout(HttpConnection& connection, TimePoint when) {
  timeouts_.erase({connection.timeout, connection.id});
  connection.timeout = when;
  if (when != TimePoint()) timeouts_.insert({when, connection.id});
}

void HttpIntake::Enter(HttpConnection& connection, Phase phase, Milliseconds limit) {
  connection.phase = phase;
  connection.since = HttpClock::now();
  SetTimeout(connection, phase == Phase::kBusy ? TimePoint() : connection.since + limit);
}

void HttpIntake::WaitFor(HttpConnection& connection, uint32_t events) {
  Register(epoll_, EPOLL_CTL_MOD, connection.fd, events, connection.id);
}

void HttpIntake::Receive(HttpConnection& connection) {
  bool first = !connection.InRequest();
  switch (connection.Receive()) {
    case IoResult::kGone:
      return Close(connection);
    case IoResult::kWouldBlock:
      return WaitFor(connection, static_cast<uint32_t>(connection.wants));
    case IoResult::kDone:
      break;
  }
  if (first) Enter(connection, Phase::kReading, options_.header_deadline);
  ReadOn(connection);
}

void HttpIntake::ReadOn(HttpConnection& connection) {
  RequestReader& reader = connection.reader;
  bool had_head = reader.has_head();
  reader.Read(admit_, &connection.in);
  if (reader.state() == RequestReader::State::kFailed) return Refuse(connection, reader.problem());
  if (!CountBody(connection, reader.request().body.size())) {
    return Refuse(connection, {.http_status = 503, .detail = "too many large requests; try again"});
  }
  if (reader.state() == RequestReader::State::kComplete) return Dispatch(connection);
  if (reader.has_head() && !had_head)
    SetTimeout(connection, connection.since + reader.admission().deadline);
  if (reader.awaits_continue()) {
    reader.ContinueSent();
    connection.out = "HTTP/1.1 100 Continue\r\n\r\n";
    if (connection.Flush() != IoResult::kDone) return Close(connection);
  }
  WaitFor(connection, EPOLLIN);
}

void HttpIntake::Dispatch(HttpConnection& connection) {
  HttpRequest& request = connection.reader.request();
  request.id = MakeRequestId();
  request.peer = connection.peer;
  request.certificate = connection.certificate;
  request.encrypted = connection.tls != nullptr;
  connection.request_start = connection.since;
  Enter(connection, Phase::kBusy, Milliseconds(0));
  if (dispatch_(connection)) return;
  Refuse(connection, {.http_status = 503, .detail = "the server is busy; try again"});
}

void HttpIntake::Refuse(HttpConnection& connection, const Problem& problem) {
  connection.out = ProblemAnswer(problem, connection.reader.request().method != "HEAD");
  connection.sent = 0;
  connection.close_after = true;
  bool framed = connection.reader.has_head() && problem.http_status != 400;
  if (framed) connection.linger_bytes = kLingerBytesAfterHead;
  Flush(connection);
}

void HttpIntake::Flush(HttpConnection& connection) {
  switch (connection.Flush()) {
    case IoResult::kGone:
      return Close(connection);
    case IoResult::kDone:
      return AfterAnswer(connection);
    case IoResult::kWouldBlock:
      break;
  }
  if (connection.phase != Phase::kFlushing) {
    Enter(connection, Phase::kFlushing, options_.write_deadline);
  }
  WaitFor(connection, static_cast<uint32_t>(connection.wants));
}

void HttpIntake::AfterAnswer(HttpConnection& connection) {
  CountBody(connection, 0);
  if (connection.close_after || draining_) {
    connection.EndWriting();
    Enter(connection, Phase::kLingering, kLingerTime);
    return Linger(connection);
  }
  connection.reader = RequestReader();
  bool pipelined = !connection.in.empty();
  Enter(connection, Phase::kReading, pipelined ? options_.header_deadline : options_.idle_timeout);
  if (pipelined) return ReadOn(connection);
  WaitFor(connection, EPOLLIN);
}

void HttpIntake::Linger(HttpConnection& connection) {
  if (connection.Discard() == IoResult::kWouldBlock) return WaitFor(connection, EPOLLIN);
  Close(connection);
}

// Keeps the sum of buffered bodies; false when this one makes it too large.
bool HttpIntake::CountBody(HttpConnection& connection, size_t bytes) {
  buffered_bytes_ += bytes - connection.counted_bytes;
  connection.counted_bytes = bytes;
  return buffered_bytes_ <= options_.max_buffered_bytes;
}

void HttpIntake::Close(HttpConnection& connection) {
  CountBody(connection, 0);
  SetTimeout(connection, TimePoint());
  connections_.erase(connection.id);  // closes the socket, which leaves epoll by that
}

// ---- the end
// ----------------------------------------------------------------------------------------------

void HttpIntake::BeginStop() {
  draining_ = true;
  shutdown(options_.listener, SHUT_RD);  // refuses newcomers from now on, also those in the backlog
  for (auto at = connections_.begin(); at != connections_.end();) {
    HttpConnection& connection = *(at++)->second;  // Close leaves the other iterators valid
    if (connection.phase == Phase::kReading && !connection.InRequest()) Close(connection);
  }
}

void HttpIntake::CutAll() {
  cut_ = true;
  for (auto at = connections_.begin(); at != connections_.end();) {
    HttpConnection& connection = *(at++)->second;
    if (connection.phase == Phase::kBusy) {
      shutdown(connection.fd, SHUT_RDWR);  // its worker sees a client that is gone
    } else {
      Close(connection);
    }
  }
}

}  // namespace codelore::api
