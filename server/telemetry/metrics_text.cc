// Owns the text format of Prometheus. Does not own what is measured.
#include <array>
#include <charconv>
#include <cmath>

#include "protocol/base/ensure.h"
#include "server/telemetry/telemetry.h"
#include "server/text/utf8.h"

namespace reprise::telemetry {
namespace {

constexpr double kMicrosPerSecond = 1e6;

bool IsNameByte(char byte, bool first) {
  const bool is_letter =
      (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' || byte == ':';
  return is_letter || (!first && byte >= '0' && byte <= '9');
}

bool IsMetricName(std::string_view name) {
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (!IsNameByte(name[i], i == 0)) {
      return false;
    }
  }
  return !name.empty();
}

bool IsLabelName(std::string_view name) {
  return IsMetricName(name) && name.find(':') == std::string_view::npos;
}

// The format asks for escapes of backslash and line feed, in label values of the quote as well. It
// is UTF-8 throughout: one wrong byte and the whole page is refused.
void AppendEscaped(std::string_view value, bool quoted, std::string& out) {
  while (!value.empty()) {
    const text::CodePoint next = text::FirstCodePoint(value);
    if (next.bytes == 0) {
      out += "\xEF\xBF\xBD";  // U+FFFD
      value.remove_prefix(1);
      continue;
    }
    if (next.value == '\\') {
      out += "\\\\";
    } else if (next.value == '\n') {
      out += "\\n";
    } else if (next.value == '"' && quoted) {
      out += "\\\"";
    } else {
      out += value.substr(0, next.bytes);
    }
    value.remove_prefix(next.bytes);
  }
}

void AppendNumber(double value, std::string& out) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
    return;
  }
  std::array<char, 32> digits{};
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), result.ptr);
}

std::string LabelText(const MetricsText::Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    ENSURE(IsLabelName(name));
    text += text.empty() ? "" : ",";
    text += name;
    text += "=\"";
    AppendEscaped(value, true, text);
    text += '"';
  }
  return text;
}

void AppendSample(std::string_view name, std::string_view labels, double value, std::string& out) {
  out += name;
  if (!labels.empty()) {
    out += '{';
    out += labels;
    out += '}';
  }
  out += ' ';
  AppendNumber(value, out);
  out += '\n';
}

}  // namespace

std::string& MetricsText::FamilyText(std::string_view name, std::string_view help,
                                     std::string_view type) {
  // From the back: samples of one name usually follow each other.
  for (auto family = families_.rbegin(); family != families_.rend(); ++family) {
    if (family->name == name) {
      ENSURE(family->type == type);
      return family->text;
    }
  }
  ENSURE(IsMetricName(name));
  std::string& text = families_.emplace_back(Family{std::string(name), type, {}}).text;
  text.append("# HELP ").append(name).append(" ");
  AppendEscaped(help, false, text);
  text.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
  return text;
}

void MetricsText::Counter(std::string_view name, std::string_view help, double value,
                          const Labels& labels) {
  AppendSample(name, LabelText(labels), value, FamilyText(name, help, "counter"));
}

void MetricsText::Gauge(std::string_view name, std::string_view help, double value,
                        const Labels& labels) {
  AppendSample(name, LabelText(labels), value, FamilyText(name, help, "gauge"));
}

void MetricsText::Histogram(std::string_view name, std::string_view help,
                            const LatencyHistogram::Reading& reading, const Labels& labels) {
  std::string& text = FamilyText(name, help, "histogram");
  const std::string label_text = LabelText(labels);
  const std::string prefix = label_text.empty() ? label_text : label_text + ",";
  const std::string base(name);
  std::uint64_t below = 0;
  for (std::size_t i = 0; i + 1 < LatencyHistogram::kBuckets; ++i) {
    below += reading.counts[i];
    if (i % 2 == 1) {  // The bounds that are powers of two; the others would double the page.
      std::string bucket_labels = prefix;
      bucket_labels += "le=\"";
      AppendNumber(static_cast<double>(LatencyHistogram::UpperMicros(i)) / kMicrosPerSecond,
                   bucket_labels);
      bucket_labels += '"';
      AppendSample(base + "_bucket", bucket_labels, static_cast<double>(below), text);
    }
  }
  const auto count = static_cast<double>(reading.count);
  AppendSample(base + "_bucket", prefix + "le=\"+Inf\"", count, text);
  AppendSample(base + "_sum", label_text,
               static_cast<double>(reading.sum_micros) / kMicrosPerSecond, text);
  AppendSample(base + "_count", label_text, count, text);
}

std::string MetricsText::Take() {
  std::string page;
  for (const Family& family : families_) {
    page += family.text;
  }
  families_.clear();
  return page;
}

}  // namespace reprise::telemetry
