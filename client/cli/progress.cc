#include "client/cli/progress.h"

#include <algorithm>
#include <ostream>
#include <utility>

#include "client/cli/numbers.h"

namespace reprise::client {
namespace {

constexpr std::int64_t kRedrawMs = 100;
constexpr std::int64_t kPlainMs = 5'000;
constexpr std::string_view kClearLine = "\r\x1b[K";

}  // namespace

std::string ProgressLine(const Progress& progress, std::string_view noun, bool with_bar) {
  const auto elapsed = static_cast<double>(std::max<std::int64_t>(progress.elapsed_ms, 1));
  std::string line;
  std::string left;
  if (progress.total > 0) {
    const double done =
        std::min(1.0, static_cast<double>(progress.done) / static_cast<double>(progress.total));
    constexpr std::size_t kBarWidth = 24;
    const auto filled = static_cast<std::size_t>(done * kBarWidth);
    if (with_bar) {
      line = "[" + std::string(filled, '#') + std::string(kBarWidth - filled, '.') + "] ";
    }
    line += std::to_string(static_cast<int>(done * 100)) + " %  ";
    const auto done_now = static_cast<double>(progress.done - progress.done_before);
    if (done_now > 0 && done < 1) {
      const auto to_do = static_cast<double>(progress.total - progress.done);
      left = "  " + ShortTime(static_cast<std::int64_t>(elapsed * to_do / done_now)) + " left";
    }
  }
  line += WithCommas(progress.items) + " " + std::string(noun) + "  " +
          ShortCount(static_cast<double>(progress.items - progress.items_before) * 1000 / elapsed) +
          "/s" + left;
  if (progress.failed > 0) {
    line += "  " + WithCommas(progress.failed) + " failed";
  }
  return line;
}

Meter::Meter(std::ostream& report, bool on_terminal, std::string noun)
    : report_(report),
      on_terminal_(on_terminal),
      noun_(std::move(noun)),
      started_(clock_.Elapsed()),
      drawn_(started_) {}

void Meter::Show(Progress progress) {
  const base::Nanos now = clock_.Elapsed();
  if (now - drawn_ < (on_terminal_ ? kRedrawMs : kPlainMs) * base::kNanosPerMilli) {
    return;
  }
  drawn_ = now;
  progress.elapsed_ms = ElapsedMs();
  report_ << (on_terminal_ ? kClearLine : "") << ProgressLine(progress, noun_, on_terminal_)
          << (on_terminal_ ? "" : "\n") << std::flush;
}

void Meter::End(Progress progress) {
  if (on_terminal_) {
    progress.elapsed_ms = ElapsedMs();
    report_ << kClearLine << ProgressLine(progress, noun_, true) << "\n" << std::flush;
  }
}

void Meter::Say(std::string_view line) {
  report_ << (on_terminal_ ? kClearLine : "") << line << "\n" << std::flush;
}

}  // namespace reprise::client
