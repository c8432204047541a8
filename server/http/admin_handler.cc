#include "server/http/admin_handler.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "protocol/base/ensure.h"

namespace reprise::http {

namespace {

constexpr int kRequestsPerTurn = 16;
constexpr std::size_t kUnsentMax = std::size_t{256} * 1024;  // then answers wait for the peer
constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kPrometheus = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view kIndex =
    "Reprise admin port\n"
    "/healthz  200 while the process works\n"
    "/readyz   200 while requests are served\n"
    "/metrics  Prometheus text format\n";

enum Status : int {
  kOk = 200,
  kBadRequest = 400,
  kNotFound = 404,
  kMethodNotAllowed = 405,
  kRequestTimeout = 408,
  kPayloadTooLarge = 413,
  kMisdirected = 421,
  kHeadTooLarge = 431,
  kUnavailable = 503,
  kVersionNotSupported = 505,
};

std::string_view Phrase(int status) {
  switch (static_cast<Status>(status)) {
    case kOk:
      return "OK";
    case kBadRequest:
      return "Bad Request";
    case kNotFound:
      return "Not Found";
    case kMethodNotAllowed:
      return "Method Not Allowed";
    case kRequestTimeout:
      return "Request Timeout";
    case kPayloadTooLarge:
      return "Content Too Large";
    case kMisdirected:
      return "Misdirected Request";
    case kHeadTooLarge:
      return "Request Header Fields Too Large";
    case kUnavailable:
      return "Service Unavailable";
    case kVersionNotSupported:
      return "HTTP Version Not Supported";
  }
  return "";
}

struct Reply {
  int status = kOk;
  std::string_view type = kText;
  std::string_view body;
  bool keep_alive = false;
  bool head_only = false;
};

void AppendNumber(base::Buffer& out, std::size_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.Append({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void Append(base::Buffer& out, const Reply& reply) {
  out.Append("HTTP/1.1 ");
  AppendNumber(out, static_cast<std::size_t>(reply.status));
  out.Append(' ');
  out.Append(Phrase(reply.status));
  out.Append("\r\nContent-Type: ");
  out.Append(reply.type);
  out.Append("\r\nContent-Length: ");
  AppendNumber(out, reply.body.size());
  if (reply.status == kMethodNotAllowed) {
    out.Append("\r\nAllow: GET, HEAD");
  }
  // No CORS header stands here on purpose: a page of another origin can send, but not read.
  out.Append(
      "\r\nX-Content-Type-Options: nosniff"
      "\r\nCache-Control: no-store"
      "\r\nContent-Security-Policy: default-src 'none'; frame-ancestors 'none'"
      "\r\nConnection: ");
  out.Append(reply.keep_alive ? "keep-alive" : "close");
  out.Append("\r\n\r\n");
  if (!reply.head_only) {
    out.Append(reply.body);
  }
}

}  // namespace

std::string BusyReply() {
  base::Buffer out;
  Append(out, {.status = kUnavailable, .body = "too many connections to the admin port\n"});
  return std::string(out.view());
}

void AdminRoom::Leave(AdminHandler& handler) {
  handlers_.erase(std::remove(handlers_.begin(), handlers_.end(), &handler), handlers_.end());
}

bool AdminRoom::Make() {
  AdminHandler* chosen = nullptr;
  std::pair<bool, base::Nanos> least;
  for (AdminHandler* handler : handlers_) {
    const auto waiting = handler->waiting();
    if (!waiting.has_value()) {
      continue;
    }
    const std::pair rank(waiting->served_any, waiting->since);
    if (chosen == nullptr || rank < least) {
      chosen = handler;
      least = rank;
    }
  }
  if (chosen != nullptr) {
    chosen->Close();
  }
  return chosen != nullptr;
}

AdminHandler::AdminHandler(base::Stream& stream, const AdminOptions& options, AdminRoom& room)
    : stream_(stream), options_(options), room_(room), last_progress_(options.clock->Elapsed()) {
  ENSURE(options.health && options.ready && options.metrics);
  base::kLoop.AssertHeld();
  room_.Enter(*this);
}

std::optional<AdminHandler::Waiting> AdminHandler::waiting() const {
  const bool is_answered = closing_ || stream_.Unsent() > 0;
  return is_answered ? std::nullopt : std::optional(Waiting{served_any_, last_progress_});
}

void AdminHandler::Close() {
  closing_ = true;
  stream_.Close();
}

void AdminHandler::OnBytes(std::string_view bytes) {
  if (closing_) {
    return;
  }
  if (!head_began_.has_value()) {
    head_began_ = options_.clock->Elapsed();
  }
  input_.Append(bytes);
  Work();
}

void AdminHandler::OnEndOfInput() {
  ended_ = true;
  Work();
}

void AdminHandler::OnWritable() {
  last_progress_ = options_.clock->Elapsed();
  if (!closing_) {
    stream_.ResumeReading();
    Work();
  }
}

void AdminHandler::Work() {
  bool more = !closing_;
  for (int i = 0; more && i < kRequestsPerTurn && PeerKeepsUp(); ++i) {
    more = AnswerOne();
  }
  if (closing_) {
    return;
  }
  if (!more && ended_) {
    closing_ = true;
    stream_.CloseAfterFlush();
    return;
  }
  stream_.Flush();
  if (more && stream_.Unsent() > kUnsentMax) {
    stream_.PauseReading();  // OnWritable goes on.
  } else if (more) {
    stream_.YieldTurn();
  }
}

bool AdminHandler::PeerKeepsUp() {
  if (stream_.Unsent() > kUnsentMax) {
    stream_.Flush();
  }
  return stream_.Unsent() <= kUnsentMax;
}

bool AdminHandler::AnswerOne() {
  const HeadScanner::Outcome outcome = scanner_.Scan(input_.view());
  if (outcome == HeadScanner::Outcome::kMalformed) {
    Refuse(kBadRequest, "this port speaks HTTP/1.1; the request head is malformed");
    return false;
  }
  const bool complete = outcome == HeadScanner::Outcome::kComplete;
  if ((complete ? scanner_.size() : input_.size()) > options_.head_bytes_max) {
    Refuse(kHeadTooLarge, "the request head is too large");
    return false;
  }
  if (!complete) {
    return false;
  }
  const Request request = ReadHead(input_.view().substr(0, scanner_.size()));
  input_.Consume(scanner_.size());
  input_.Shrink(0);
  scanner_.Restart();
  last_progress_ = options_.clock->Elapsed();
  head_began_.reset();
  if (!input_.empty()) {
    head_began_ = last_progress_;
  }
  served_any_ = true;
  if (request.status != 0) {
    Refuse(request.status, request.why);
  } else if (!IsHostAllowed(request.host, options_.allowed_hosts)) {
    Refuse(kMisdirected, "this server does not answer for that Host; see http.allowed_hosts");
  } else if (request.has_body && request.method != Method::kOther) {
    Refuse(kPayloadTooLarge, "a request on this port has no body");
  } else {
    Answer(request);
  }
  return !closing_ && !input_.empty();
}

void AdminHandler::Answer(const Request& request) {
  Reply reply;
  std::string text;
  if (request.method == Method::kOther) {
    reply.status = kMethodNotAllowed;
    text = "only GET and HEAD are served\n";
  } else if (request.path == "/healthz" || request.path == "/readyz") {
    AdminAnswer answer = request.path == "/healthz" ? options_.health() : options_.ready();
    reply.status = answer.ok ? kOk : kUnavailable;
    text = std::move(answer.text);
  } else if (request.path == "/metrics") {
    reply.type = kPrometheus;
    text = options_.metrics();
  } else if (request.path == "/") {
    text = kIndex;
  } else {
    reply.status = kNotFound;
    text = "no such page; / lists what is here\n";
  }
  reply.body = text;
  reply.head_only = request.method == Method::kHead;
  // What follows a body, or a method with rules of its own (CONNECT), is not a request.
  reply.keep_alive = request.keep_alive && request.method != Method::kOther;
  Append(stream_.Output(), reply);
  if (!reply.keep_alive) {
    closing_ = true;
    stream_.CloseAfterFlush();
  }
}

void AdminHandler::Refuse(int status, std::string_view why) {
  const std::string text = std::string(why) + "\n";
  Append(stream_.Output(), {.status = status, .body = text});
  closing_ = true;
  stream_.CloseAfterFlush();
}

std::int64_t AdminHandler::SinceMillis(base::Nanos start) const {
  return (options_.clock->Elapsed() - start) / base::kNanosPerMilli;
}

void AdminHandler::OnTick() {
  if (closing_) {
    return;
  }
  const bool peer_owes_reading = stream_.Unsent() > 0;
  if (peer_owes_reading) {
    if (SinceMillis(last_progress_) >= options_.keep_alive_ms) {
      Close();
    }
    return;
  }
  if (head_began_.has_value()) {
    if (SinceMillis(*head_began_) >= options_.head_ms) {
      Refuse(kRequestTimeout, "the request took too long to arrive");
    }
    return;
  }
  if (SinceMillis(last_progress_) >= (served_any_ ? options_.keep_alive_ms : options_.head_ms)) {
    closing_ = true;
    stream_.CloseAfterFlush();
  }
}

}  // namespace reprise::http
