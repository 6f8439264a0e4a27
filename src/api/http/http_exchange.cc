#include "api/http/http_exchange.h"

#include <httplib.h>
#include <poll.h>

#include <exception>
#include <string>
#include <utility>

namespace codelore::api {
namespace {

// The client as cpp-httplib sees it: a head to read, and a sink that keeps a complete answer for
// the intake to send, so that a slow reader holds no thread. A streamed answer goes to the socket
// at once.
class ConnectionStream final : public httplib::Stream {
 public:
  ConnectionStream(HttpConnection& connection, std::string head,
                   std::chrono::milliseconds write_deadline)
      : connection_(connection), head_(std::move(head)), write_deadline_(write_deadline) {}

  void WriteThrough() { write_through_ = true; }

  bool is_readable() const override { return read_ < head_.size(); }
  bool wait_readable() const override { return is_readable(); }
  bool wait_writable() const override { return !connection_.PeerGone(); }
  ssize_t read(char* to, size_t size) override {
    size_t n = head_.copy(to, size, read_);
    read_ += n;
    return static_cast<ssize_t>(n);
  }
  const char* buffered_data(size_t& size) const override {
    size = head_.size() - read_;
    return head_.data() + read_;
  }
  void consume_buffered(size_t size) override { read_ += size; }
  ssize_t write(const char* data, size_t size) override {
    connection_.out.append(data, size);
    return !write_through_ || SendAll() ? static_cast<ssize_t>(size) : -1;
  }
  void get_remote_ip_and_port(std::string& ip, int&) const override { ip = connection_.peer; }
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return connection_.fd; }
  time_t duration() const override { return 0; }

 private:
  bool SendAll() {
    auto until = HttpClock::now() + write_deadline_;
    while (true) {
      auto result = connection_.Flush();
      if (result != HttpConnection::IoResult::kWouldBlock) {
        return result == HttpConnection::IoResult::kDone;
      }
      auto left = std::chrono::ceil<std::chrono::milliseconds>(until - HttpClock::now()).count();
      pollfd poller = {.fd = connection_.fd, .events = static_cast<short>(connection_.wants | POLLRDHUP), .revents = 0};
      if (left <= 0 || poll(&poller, 1, static_cast<int>(left)) == 0) return false;
      if (poller.revents & (POLLRDHUP | POLLHUP | POLLERR)) return false;
    }
  }

  HttpConnection& connection_;
  const std::string head_;
  const std::chrono::milliseconds write_deadline_;
  size_t read_ = 0;
  bool write_through_ = false;
};

class SinkWriter final : public StreamWriter {
 public:
  SinkWriter(httplib::DataSink& sink, const HttpRequest& request)
      : sink_(sink), request_(request) {}
  bool Write(std::string_view bytes) override {
    if (!Closed() && !sink_.write(bytes.data(), bytes.size())) closed_ = true;
    return !closed_;
  }
  bool Closed() override { return closed_ = closed_ || request_.Cancelled(); }

 private:
  httplib::DataSink& sink_;
  const HttpRequest& request_;
  bool closed_ = false;
};

std::string ExceptionText(std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return std::string("uncaught exception: ") + e.what();
  } catch (...) {
    return "uncaught exception";
  }
}

// A cpp-httplib server of one request. It gets the head anew, without the fields that frame a body,
// ask for ranges or change the protocol: those are the intake's, already dealt with.
class Exchange final : private httplib::Server {
 public:
  Exchange(ExchangeContext& context, HttpConnection& connection);
  ~Exchange() override {
    request_.cancelled = nullptr;
    if (counted_) --context_.streams;
  }
  void Run();

 private:
  std::string Head() const;
  void Handle();
  void LimitStreams();
  void Fill(httplib::Response& response);
  void FillHeaders(httplib::Response& response);
  void FillStream(httplib::Response& response);
  bool Stream(httplib::DataSink& sink);
  void Log(std::string_view text) const {
    if (context_.log && !text.empty()) context_.log(request_.id, text);
  }

  ExchangeContext& context_;
  HttpConnection& connection_;
  HttpRequest& request_;
  HttpResponse response_;
  ConnectionStream stream_;
  HttpClock::time_point deadline_;
  bool counted_ = false;  // among the streams
  bool broken_ = false;   // a stream ended without its end mark
};

Exchange::Exchange(ExchangeContext& context, HttpConnection& connection)
    : context_(context),
      connection_(connection),
      request_(connection.reader.request()),
      stream_(connection, Head(), context.write_deadline),
      deadline_(connection.request_start + connection.reader.admission().deadline) {
  svr_sock_ = connection.fd;  // "not shutting down": stopping is the intake's business
  request_.cancelled = [this] { return HttpClock::now() >= deadline_ || connection_.PeerGone(); };
  set_pre_routing_handler([this](const httplib::Request&, httplib::Response& response) {
    Handle();
    Fill(response);
    return HandlerResponse::Handled;
  });
  set_post_routing_handler([](const httplib::Request&, httplib::Response& response) {
    response.headers.erase("Keep-Alive");     // would promise more than the intake does
    response.headers.erase("Accept-Ranges");  // there are none
    if (response.status == 204) response.headers.erase("Content-Length");
  });
}

std::string Exchange::Head() const {
  return request_.method + " " + request_.target + " HTTP/1.1\r\nHost: codelore\r\n\r\n";
}

void Exchange::Run() {
  bool close = !request_.keep_alive || context_.stopping();
  bool closed = false;
  bool written = process_request(stream_, connection_.peer, 0, "", 0, close, closed, nullptr);
  bool cut = !written || broken_;
  connection_.close_after = close || closed || cut || response_.http_status() >= 400;
  if (cut) connection_.out.clear();
}

void Exchange::Handle() {
  try {
    if (HttpClock::now() >= deadline_) {  // it waited too long for a thread
      response_.SetProblem({.http_status = 503, .detail = "the server is busy; try again"});
    } else {
      connection_.reader.admission().route->handler(request_, response_);
    }
  } catch (...) {
    response_ = HttpResponse();
    response_.SetError(Internal(ExceptionText(std::current_exception())));
  }
  LimitStreams();
  if (response_.problem()) Log(response_.problem()->log);
}

void Exchange::LimitStreams() {
  if (response_.problem() || !response_.stream() || request_.method == "HEAD") return;
  counted_ = true;
  if (++context_.streams <= context_.max_streams) return;
  response_.SetProblem({.http_status = 503, .detail = "too many streams; try again"});
}

void Exchange::Fill(httplib::Response& response) {
  response.status = response_.http_status();
  FillHeaders(response);
  if (response_.problem()) {
    response.set_content(ProblemJson(*response_.problem(), request_.id), std::string(kProblemType));
  } else if (response_.stream() && request_.method != "HEAD") {
    FillStream(response);
  } else if (!response_.content_type().empty()) {
    response.set_content(std::move(response_.body()), response_.content_type());
  }
}

void Exchange::FillHeaders(httplib::Response& response) {
  for (const HttpField& field : response_.headers()) response.set_header(field.name, field.value);
  const Problem* problem = response_.problem() ? &*response_.problem() : nullptr;
  for (HttpField& field : StandardHeaders(request_.id, response_.http_status(), problem)) {
    if (!response.has_header(field.name)) response.set_header(field.name, field.value);
  }
}

void Exchange::FillStream(httplib::Response& response) {
  stream_.WriteThrough();
  deadline_ = connection_.request_start + context_.stream_deadline;
  if (!response.has_header("X-Accel-Buffering")) response.set_header("X-Accel-Buffering", "no");
  auto provider = [this](size_t, httplib::DataSink& sink) { return Stream(sink); };
  if (request_.minor_version == 0) {  // knows no chunks; the connection's end is the body's
    response.set_content_provider(response_.content_type(), provider);
  } else {
    response.set_chunked_content_provider(response_.content_type(), provider);
  }
}

bool Exchange::Stream(httplib::DataSink& sink) {
  broken_ = true;
  try {
    SinkWriter writer(sink, request_);
    response_.stream()(writer);
    if (writer.Closed()) return false;
  } catch (...) {
    Log(ExceptionText(std::current_exception()));
    return false;
  }
  broken_ = false;
  sink.done();
  return true;
}

}  // namespace

void AnswerRequest(ExchangeContext& context, HttpConnection& connection) {
  try {
    Exchange(context, connection).Run();
  } catch (...) {  // out of memory between handler and answer
    connection.out.clear();
    connection.close_after = true;
  }
}

}  // namespace codelore::api
