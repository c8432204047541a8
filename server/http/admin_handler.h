// AdminHandler: one connection of the admin HTTP port: GET and HEAD of /healthz, /readyz, /metrics
// and / (a list of these). Owns the rules of HTTP on this port; what is served comes from
// callbacks.
//
// Units: milliseconds, bytes. Threads: the loop that owns the connection; the callbacks are called
// on it and must be quick, without side effects and safe from any loop. Errors: HTTP statuses, see
// README.md; anything that could be read in two ways is a 400 and ends the connection. Lifetime:
// the options and the room outlive the handler. Limits: no request has a body; see AdminOptions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/buffer.h"
#include "protocol/base/clock.h"
#include "protocol/base/limits.h"
#include "protocol/base/stream.h"
#include "server/http/request.h"

namespace reprise::http {

struct AdminAnswer {
  bool ok = false;   // false: 503
  std::string text;  // for people; ends with a new line
};

struct AdminOptions {
  std::function<AdminAnswer()> health;
  std::function<AdminAnswer()> ready;
  std::function<std::string()> metrics;  // Prometheus text format 0.0.4
  // Host names besides localhost, 127.0.0.1 and [::1] that a request may be for; any port.
  std::vector<std::string> allowed_hosts;
  const base::Clock* clock = nullptr;

  std::size_t head_bytes_max = static_cast<std::size_t>(base::limits::kHttpHeaderBytes.value);
  std::int64_t head_ms = base::limits::kHttpDeadlineMs.value;  // to send a request, or the first
  std::int64_t keep_alive_ms = 60'000;  // without a request, or without taking any of an answer
};

class AdminHandler;

// The connections of one listener, to find the one that has to give its place to a newer one:
// whoever holds connections and asks for nothing must not shut a health check out.
class AdminRoom {
 public:
  void Enter(AdminHandler& handler) ON_LOOP_THREAD { handlers_.push_back(&handler); }
  void Leave(AdminHandler& handler) ON_LOOP_THREAD;
  // Closes the connection that has waited longest without a whole request: one that never made one,
  // if there is any. False when every connection is being answered.
  bool Make() ON_LOOP_THREAD;

 private:
  std::vector<AdminHandler*> handlers_ OWNED_BY_LOOP;
};

// What a connection over the limit is sent.
std::string BusyReply();

class AdminHandler final : public base::StreamHandler {
 public:
  AdminHandler(base::Stream& stream, const AdminOptions& options, AdminRoom& room);

  std::span<char> ReadSpace() ON_LOOP_THREAD override { return {}; }
  void OnBytes(std::string_view bytes) ON_LOOP_THREAD override;
  void OnEndOfInput() ON_LOOP_THREAD override;
  void OnResume() ON_LOOP_THREAD override { Work(); }
  void OnWritable() ON_LOOP_THREAD override;
  void OnTick() ON_LOOP_THREAD override;
  void OnClosed() ON_LOOP_THREAD override { room_.Leave(*this); }

  // Since when no whole request has come; absent while one is being answered.
  struct Waiting {
    bool served_any = false;
    base::Nanos since{0};
  };
  std::optional<Waiting> waiting() const ON_LOOP_THREAD;
  void Close() ON_LOOP_THREAD;

 private:
  // Answers the requests that are there, as long as the peer takes the answers.
  void Work() ON_LOOP_THREAD;
  bool PeerKeepsUp() ON_LOOP_THREAD;
  // False when no whole request is there, or the connection ends.
  bool AnswerOne() ON_LOOP_THREAD;
  void Answer(const Request& request) ON_LOOP_THREAD;
  void Refuse(int status, std::string_view why) ON_LOOP_THREAD;
  std::int64_t SinceMillis(base::Nanos start) const ON_LOOP_THREAD;

  base::Stream& stream_;
  const AdminOptions& options_;
  AdminRoom& room_;
  base::Buffer input_ OWNED_BY_LOOP;
  HeadScanner scanner_ OWNED_BY_LOOP;
  std::optional<base::Nanos> head_began_ OWNED_BY_LOOP;
  base::Nanos last_progress_ OWNED_BY_LOOP;
  bool served_any_ OWNED_BY_LOOP = false;
  bool ended_ OWNED_BY_LOOP = false;    // the peer sends nothing more
  bool closing_ OWNED_BY_LOOP = false;  // nothing more is answered
};

}  // namespace reprise::http
