#include "server/calendar/posix_rule.h"

#include <string>
#include <utility>

#include "server/calendar/civil.h"

namespace reprise::calendar {
namespace {

constexpr std::int64_t kOffsetHoursMax = 24;
constexpr std::int64_t kTimeHoursMax = 167;
constexpr std::size_t kNameLettersMin = 3;

base::Error Unreadable() {
  return {base::Code::kCorrupt, "a rule of daylight saving cannot be read"};
}

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Reads from the front of a text; after the first failure nothing more is read.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool failed() const { return failed_; }
  bool AtEnd() const { return text_.empty(); }

  bool Take(char wanted) {
    if (failed_ || text_.empty() || text_.front() != wanted) {
      return false;
    }
    text_.remove_prefix(1);
    return true;
  }
  void Expect(char wanted) { failed_ = !Take(wanted) || failed_; }

  std::int64_t Number(std::int64_t min, std::int64_t max) {
    std::int64_t number = 0;
    std::size_t digits = 0;
    while (digits < text_.size() && digits < 4 && text_[digits] >= '0' && text_[digits] <= '9') {
      number = number * 10 + (text_[digits] - '0');
      ++digits;
    }
    text_.remove_prefix(digits);
    failed_ = failed_ || digits == 0 || number < min || number > max;
    return failed_ ? min : number;
  }

  // "CET" or "<+0330>"; what it is called does not matter here.
  void SkipName() {
    const bool is_quoted = Take('<');
    std::size_t letters = 0;
    while (letters < text_.size() &&
           (is_quoted ? text_[letters] != '>' : IsLetter(text_[letters]))) {
      ++letters;
    }
    failed_ = failed_ || letters < kNameLettersMin;
    text_.remove_prefix(letters);
    if (is_quoted) {
      Expect('>');
    }
  }

  // "[+-]h[:m[:s]]" in seconds.
  std::int64_t Time(std::int64_t hours_max) {
    const bool is_negative = Take('-');
    if (!is_negative) {
      (void)Take('+');
    }
    std::int64_t seconds = Number(0, hours_max) * kSecondsPerHour;
    if (Take(':')) {
      seconds += Number(0, 59) * 60;
      if (Take(':')) {
        seconds += Number(0, 59);
      }
    }
    return is_negative ? -seconds : seconds;
  }

  YearDay Day() {
    YearDay day;
    if (Take('M')) {
      day.month = static_cast<int>(Number(1, 12));
      Expect('.');
      day.week = static_cast<int>(Number(1, 5));
      Expect('.');
      day.day = static_cast<int>(Number(0, 6));
    } else if (Take('J')) {
      day.kind = YearDay::Kind::kJulian;
      day.day = static_cast<int>(Number(1, 365));
    } else {
      day.kind = YearDay::Kind::kZeroBased;
      day.day = static_cast<int>(Number(0, 365));
    }
    if (Take('/')) {
      day.time_s = Time(kTimeHoursMax);
    }
    return day;
  }

 private:
  std::string_view text_;
  bool failed_ = false;
};

std::int64_t DaysOf(const YearDay& day, std::int64_t year) {
  const std::int64_t first = DaysFrom({year, 1, 1});
  if (day.kind == YearDay::Kind::kZeroBased) {
    return first + day.day;
  }
  if (day.kind == YearDay::Kind::kJulian) {
    constexpr int kMarchFirst = 60;
    return first + day.day - 1 + (IsLeap(year) && day.day >= kMarchFirst ? 1 : 0);
  }
  const std::int64_t month = DaysFrom({year, day.month, 1});
  const int ahead = (day.day - WeekdayOf(month) + 7) % 7;
  std::int64_t in_month = ahead + std::int64_t{7} * (day.week - 1);
  while (in_month >= DaysIn(year, day.month)) {
    in_month -= 7;
  }
  return month + in_month;
}

}  // namespace

base::Result<PosixRule> PosixRule::Parse(std::string_view text) {
  if (text.size() > kRuleBytesMax) {
    return Unreadable();
  }
  PosixRule rule;
  Scanner scanner(text);
  scanner.SkipName();
  rule.standard_offset_s_ = -scanner.Time(kOffsetHoursMax);
  if (!scanner.failed() && !scanner.AtEnd()) {
    rule.has_saving_ = true;
    scanner.SkipName();
    rule.saving_offset_s_ = rule.standard_offset_s_ + kSecondsPerHour;
    if (!scanner.Take(',')) {
      rule.saving_offset_s_ = -scanner.Time(kOffsetHoursMax);
      scanner.Expect(',');
    }
    rule.saving_begins_ = scanner.Day();
    scanner.Expect(',');
    rule.saving_ends_ = scanner.Day();
  }
  if (scanner.failed() || !scanner.AtEnd()) {
    return Unreadable();
  }
  return rule;
}

std::optional<std::array<Change, 2>> PosixRule::ChangesIn(std::int64_t year) const {
  if (!has_saving_) {
    return std::nullopt;
  }
  const Change begin{
      DaysOf(saving_begins_, year) * kSecondsPerDay + saving_begins_.time_s - standard_offset_s_,
      saving_offset_s_};
  const Change end{
      DaysOf(saving_ends_, year) * kSecondsPerDay + saving_ends_.time_s - saving_offset_s_,
      standard_offset_s_};
  return begin.at_s <= end.at_s ? std::array{begin, end} : std::array{end, begin};
}

}  // namespace reprise::calendar
