// The identity of many generated requests: spelling makes no difference, anything else does.
//
// A request is made from knobs, each of which changes the answer. A walk turns one knob at a time,
// or none, and writes the request in a random spelling. Equal knobs must give equal questions, and
// different knobs different ones, among all requests of the walk and not only between neighbours.
#include <array>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <unordered_map>

#include <catch2/catch.hpp>

#include "protocol/base/value.h"
#include "server/cache/chat_request.h"
#include "server/cache/identity.h"
#include "server/text/nfc.h"

namespace reprise::cache {
namespace {

using base::Value;

enum Knob : std::size_t {
  kShape,
  kModel,
  kSystem,
  kEarlier,
  kTools,
  kChoice,
  kTemperature,
  kTopP,
  kMaxTokens,
  kSeed,
  kStop,
  kFormat,
  kLocale,
  kAttachment,
  kAttachmentFirst,
  kPrompt,
  kSplit,
  kLater,
  kUnknown,
  kKnobs
};
constexpr std::array<unsigned, kKnobs> kSettings{3, 3, 3, 5, 5, 3, 4, 3, 3, 4,
                                                 3, 3, 3, 5, 2, 4, 3, 4, 4};
using Knobs = std::array<unsigned, kKnobs>;

std::uint64_t Packed(const Knobs& knobs) {
  std::uint64_t packed = 0;
  for (const unsigned setting : knobs) {
    packed = packed * 8 + setting;
  }
  return packed;
}

// Writes requests; every choice that must not matter is made by chance.
class Speller {
 public:
  explicit Speller(std::mt19937_64& chance) : chance_(chance) {}

  std::string Spell(const Knobs& knobs) {
    knobs_ = knobs;
    std::string bytes;
    Encode(Request(), bytes);
    return bytes;
  }

 private:
  bool Maybe() { return (chance_() & 1U) != 0; }
  std::size_t Below(std::size_t bound) { return chance_() % bound; }
  bool IsChat() const { return knobs_[kShape] == 0; }
  bool IsResponses() const { return knobs_[kShape] == 1; }
  bool IsAnthropic() const { return knobs_[kShape] == 2; }
  template <typename T>
  T Setting(Knob knob, const std::vector<T>& values) const {
    return values[knobs_[knob]];
  }
  template <typename List>
  void Shuffle(List& list) {
    for (std::size_t i = list.size(); i > 1; --i) {
      std::swap(list[i - 1], list[Below(i)]);
    }
  }

  // MessagePack in any of the forms that one value has.
  void Header(std::string& out, char first, std::uint64_t bits, std::size_t bytes) {
    out.push_back(first);
    for (std::size_t i = bytes; i-- > 0;) {
      out.push_back(static_cast<char>(bits >> (8 * i) & 255U));
    }
  }
  void Encode(double number, std::string& out) {
    if (Maybe()) {
      Header(out, '\xca', std::bit_cast<std::uint32_t>(static_cast<float>(number)), 4);
    } else {
      Header(out, '\xcb', std::bit_cast<std::uint64_t>(number), 8);
    }
  }
  void Encode(std::uint64_t number, std::string& out) {
    if (number < 1000 && Maybe()) {
      Encode(static_cast<double>(number), out);
    } else if (number < 128 && Maybe()) {
      out.push_back(static_cast<char>(number));
    } else if (number < 32768 && Maybe()) {
      Header(out, Maybe() ? '\xcd' : '\xd1', number, 2);
    } else {
      Header(out, Maybe() ? '\xcf' : '\xd3', number, 8);
    }
  }
  // Canonically equivalent text: each composed letter as it is, or as a letter and its mark.
  std::string Respelled(const std::string& text) {
    constexpr std::string_view kComposed = "\u00e9";
    std::string spelled = text;
    for (std::size_t at = spelled.find(kComposed); at != std::string::npos;
         at = spelled.find(kComposed, at + 1)) {
      if (Maybe()) {
        spelled.replace(at, kComposed.size(), "e\u0301");
      }
    }
    return spelled;
  }
  void Encode(const std::string& given, std::string& out) {
    const std::string text = Respelled(given);
    if (text.size() < 32 && Maybe()) {
      out.push_back(static_cast<char>(0xa0U + text.size()));
    } else if (Maybe()) {
      Header(out, '\xda', text.size(), 2);
    } else {
      Header(out, '\xdb', text.size(), 4);
    }
    out.append(text);
  }
  void Encode(const Value& value, std::string& out);
  void Encode(Value::Map map, std::string& out);

  std::string Json(const std::string& number, const std::string& text);
  std::string Base64(const std::string& standard);
  Value Text(std::string_view text, std::string_view role);
  Value TextPart(std::string_view text, std::string_view role);
  Value Attachment();
  Value PromptContent();
  Value::Map Message(std::string_view role, Value content);
  void AddToolTurn(Value::Array& messages);
  Value::Array Turns();
  Value Tools();
  void AddTool(Value::Array& tools, std::string_view name, std::string_view description);
  Value Schema();
  void AddSampling(Value::Map& request);
  void AddNoise(Value::Map& request);
  Value Request();

  std::mt19937_64& chance_;
  Knobs knobs_{};
};

void Speller::Encode(Value::Map map, std::string& out) {
  Shuffle(map);
  Header(out, '\xde', map.size(), 2);
  for (const auto& [key, value] : map) {
    Encode(key, out);
    Encode(value, out);
  }
}

void Speller::Encode(const Value& value, std::string& out) {
  if (const auto* map = value.AsMap(); map != nullptr) {
    Encode(*map, out);
  } else if (const auto* items = value.AsArray(); items != nullptr) {
    Header(out, '\xdc', items->size(), 2);
    for (const Value& item : *items) {
      Encode(item, out);
    }
  } else if (const auto* text = std::get_if<std::string>(&value.state()); text != nullptr) {
    Encode(*text, out);
  } else if (const auto* number = std::get_if<double>(&value.state()); number != nullptr) {
    Encode(*number, out);
  } else if (const auto* whole = std::get_if<std::uint64_t>(&value.state()); whole != nullptr) {
    Encode(*whole, out);
  } else if (const auto* binary = std::get_if<base::Binary>(&value.state()); binary != nullptr) {
    Header(out, '\xc5', binary->bytes.size(), 2);
    out.append(binary->bytes);
  } else {
    out.push_back(value.IsNil() ? '\xc0' : value.AsBool().value() ? '\xc3' : '\xc2');
  }
}

// {"city": text, "days": number} with white space, order and escapes by chance.
std::string Speller::Json(const std::string& number, const std::string& text) {
  const auto space = [this] { return std::string(Below(3), Maybe() ? ' ' : '\n'); };
  std::string escaped;
  for (const char letter : Respelled(text)) {
    const bool plain =
        (static_cast<std::uint8_t>(letter) & 0x80U) != 0 || (letter != '"' && Maybe());
    std::array<char, 8> escape{};
    std::snprintf(escape.data(), escape.size(), Maybe() ? "\\u%04x" : "\\u%04X",
                  static_cast<unsigned>(static_cast<std::uint8_t>(letter)));
    escaped += plain ? std::string(1, letter) : std::string(escape.data());
  }
  std::string city = "\"city\"" + space() + ":" + space() + '"' + escaped + '"';
  std::string days = "\"days\"" + space() + ":" + space() + number;
  if (Maybe()) {
    std::swap(city, days);
  }
  return space() + "{" + space() + city + space() + "," + space() + days + space() + "}" + space();
}

std::string Speller::Base64(const std::string& standard) {
  std::string text = standard;
  const bool web = Maybe();
  for (char& letter : text) {
    letter = web && letter == '+' ? '-' : web && letter == '/' ? '_' : letter;
  }
  while (web && text.back() == '=') {
    text.pop_back();
  }
  return text;
}

Value Speller::TextPart(std::string_view text, std::string_view role) {
  const std::string_view type = !IsResponses()        ? "text"
                                : role == "assistant" ? "output_text"
                                                      : "input_text";
  Value::Map part{{"type", type}, {"text", text}};
  if (Maybe()) {
    part.emplace_back("cache_control", Value::Map{{"type", "ephemeral"}});
  }
  return part;
}

Value Speller::Text(std::string_view text, std::string_view role) {
  return Maybe() ? Value(text) : Value(Value::Array{TextPart(text, role)});
}

Value Speller::Attachment() {
  const bool is_url = knobs_[kAttachment] > 2;
  const auto source =
      Setting<std::string>(kAttachment, {"", "+/+/AA==", "+/+/AQ==", "http://one", "http://two"});
  const std::string bytes = Base64(source);
  const std::string url = is_url ? source : "data:image/png;base64," + bytes;
  if (IsResponses()) {
    return Value::Map{{"type", "input_image"}, {"image_url", url}};
  }
  if (IsChat()) {
    Value::Map image{{"url", url}};
    if (Maybe()) {
      image.emplace_back("detail", Maybe() ? Value("auto") : Value());
    }
    return Value::Map{{"type", "image_url"}, {"image_url", image}};
  }
  return Value::Map{
      {"type", "image"},
      {"source",
       is_url ? Value::Map{{"type", "url"}, {"url", url}}
              : Value::Map{{"type", "base64"},
                           {"media_type", "image/png"},
                           {"data", Maybe() ? Value(bytes)
                                    : knobs_[kAttachment] == 1
                                        ? Value(base::Binary{std::string("\xfb\xff\xbf\0", 4)})
                                        : Value(base::Binary{"\xfb\xff\xbf\x01"})}}}};
}

Value Speller::PromptContent() {
  const auto text = Setting<std::string>(
      kPrompt, {"one\ntwo\nthree", "one\ntwo\nfour", "One\ntwo\nthree", "\xc3\xa9\ntwo\nthree"});
  const std::size_t first = text.find('\n');
  const std::size_t second = text.find('\n', first + 1);
  const std::size_t cut = Setting<std::size_t>(kSplit, {0, first, second});
  Value::Array parts;
  if (cut == 0) {
    parts.push_back(TextPart(text, "user"));
  } else {
    parts.push_back(TextPart(text.substr(0, cut), "user"));
    parts.push_back(TextPart(text.substr(cut + 1), "user"));
  }
  if (knobs_[kAttachment] != 0) {
    parts.insert(knobs_[kAttachmentFirst] == 1 ? parts.begin() : parts.end(), Attachment());
  }
  return parts.size() == 1 && Maybe() ? Value(text) : Value(std::move(parts));
}

Value::Map Speller::Message(std::string_view role, Value content) {
  Value::Map message{{"role", role}, {"content", std::move(content)}};
  if (Maybe()) {
    message.emplace_back("refusal", Value());
  }
  if (IsResponses() && Maybe()) {
    message.emplace_back("type", "message");
  }
  return message;
}

void Speller::AddToolTurn(Value::Array& messages) {
  const unsigned later = knobs_[kLater];
  const std::string number =
      later == 2 ? "3" : std::vector<std::string>{"2", "2.0", "2e0", "20e-1"}[Below(4)];
  const std::string result = later == 3 ? "rain" : "sun";
  const std::string city = "a/\"\xc3\xa9";
  if (IsResponses()) {
    messages.push_back(Value::Map{{"type", "function_call"},
                                  {"call_id", "c"},
                                  {"name", "f"},
                                  {"arguments", Json(number, city)}});
    messages.push_back(
        Value::Map{{"type", "function_call_output"}, {"call_id", "c"}, {"output", result}});
  } else if (IsChat()) {
    Value::Map call{{"id", "c"},
                    {"type", "function"},
                    {"function", Value::Map{{"name", "f"}, {"arguments", Json(number, city)}}}};
    Value::Map message = Message("assistant", Value());
    message.emplace_back("tool_calls", Value::Array{call});
    messages.push_back(std::move(message));
    messages.push_back(
        Value::Map{{"role", "tool"}, {"tool_call_id", "c"}, {"content", Text(result, "tool")}});
  } else {
    messages.push_back(Message(
        "assistant", Value::Array{Value::Map{
                         {"type", "tool_use"},
                         {"id", "c"},
                         {"name", "f"},
                         {"input", Value::Map{{"days", later == 2 ? 3 : 2}, {"city", city}}}}}));
    Value::Map part{
        {"type", "tool_result"}, {"tool_use_id", "c"}, {"content", Text(result, "user")}};
    if (Maybe()) {
      part.emplace_back("is_error", false);
    }
    messages.push_back(Message("user", Value::Array{part}));
  }
}

Value::Array Speller::Turns() {
  Value::Array messages;
  const auto add = [&](std::string_view role, std::string_view text) {
    messages.push_back(Message(role, Text(text, role)));
  };
  if (!IsAnthropic() && knobs_[kSystem] != 0) {
    add(knobs_[kSystem] == 1 ? "system" : "developer", "be brief caf\u00e9");
  }
  switch (knobs_[kEarlier]) {
    case 1:
      add("user", "x");
      add("assistant", "y");
      break;
    case 2:
      add("assistant", "y");
      add("user", "x");
      break;
    case 3:
      add("user", "x");
      break;
    case 4:
      add("user", "x");
      add("assistant", "y ");
      break;
    default:
      break;
  }
  messages.push_back(Message("user", PromptContent()));
  if (knobs_[kLater] != 0) {
    AddToolTurn(messages);
  }
  return messages;
}

Value Speller::Schema() {
  return Value::Map{
      {"type", "object"},
      {"required", Value::Array{"\u00e9"}},
      {"properties",
       Value::Map{
           {"\u00e9", Value::Map{{"type", "number"}, {"default", Value()}, {"maximum", 10}}}}}};
}

void Speller::AddTool(Value::Array& tools, std::string_view name, std::string_view description) {
  Value::Map tool{{"name", name},
                  {"description", description},
                  {IsAnthropic() ? "input_schema" : "parameters", Schema()}};
  if (!IsAnthropic() && Maybe()) {
    tool.emplace_back("strict", IsResponses());
  }
  if (IsChat()) {
    tool = Value::Map{{"type", "function"}, {"function", tool}};
  } else if (IsResponses() || Maybe()) {
    tool.emplace_back("type", IsResponses() ? "function" : "custom");
  }
  tools.push_back(std::move(tool));
}

Value Speller::Tools() {
  Value::Array tools;
  const unsigned which = knobs_[kTools];
  if (which != 0) {
    AddTool(tools, "a", which == 3 ? "" : "first");
  }
  if (which >= 2) {
    AddTool(tools, which == 4 ? "c" : "\u00e9", "second");
  }
  Shuffle(tools);
  return tools;
}

void Speller::AddSampling(Value::Map& request) {
  const auto add = [&](const char* field, Value value) {
    if (!value.IsNil() || Maybe()) {
      request.emplace_back(field, std::move(value));
    }
  };
  const Value one = Maybe() ? Value(1) : Value();
  add("temperature", Setting<Value>(kTemperature, {one, 0.7, 0, 1.5}));
  add("top_p", Setting<Value>(kTopP, {IsAnthropic() ? Value() : one, 0.9, 0.5}));
  add("seed", Setting<Value>(kSeed, {Value(), 7, 9007199254740992, 9007199254740993}));
  add("locale", Setting<Value>(kLocale, {Value(), "\u00e9n", "de"}));
  add("unheard_of", Setting<Value>(kUnknown, {Value(), 0, "0", Value::Array{Value()}}));
  const bool plain_stop = IsChat() && Maybe();
  add(IsAnthropic() ? "stop_sequences" : "stop",
      Setting<Value>(kStop, {Value(), plain_stop ? Value("x") : Value(Value::Array{"x"}),
                             Value::Array{"x", "y"}}));
  add(IsChat()        ? "max_completion_tokens"
      : IsResponses() ? "max_output_tokens"
                      : "max_tokens",
      Setting<Value>(kMaxTokens, {IsAnthropic() ? Value(500) : Value(), 100, 200}));
  const Value format =
      Setting<Value>(kFormat, {Maybe() ? Value(Value::Map{{"type", "text"}}) : Value(),
                               Value::Map{{"type", "json_object"}},
                               Value::Map{{"type", "json_schema"}, {"json_schema", Schema()}}});
  if (IsResponses()) {
    add("text", format.IsNil() ? Value() : Value(Value::Map{{"format", format}}));
  } else if (IsChat() || knobs_[kFormat] != 0) {
    add("response_format", format);
  }
}

// What must not matter at all.
void Speller::AddNoise(Value::Map& request) {
  for (const std::string_view field : kVolatileFields) {
    if (Below(4) == 0) {
      request.emplace_back(field, Maybe() ? Value(Below(100)) : Value(Value::Map{{"a", "b"}}));
    }
  }
  if (Maybe()) {
    request.emplace_back("reasoning_effort", Value());
  }
  if (!IsAnthropic() && Maybe()) {
    request.emplace_back("parallel_tool_calls", true);
  }
  if (IsChat() && Maybe()) {
    request.emplace_back("n", 1);
  }
}

Value Speller::Request() {
  Value::Map request{
      {"model", Setting<Value>(kModel, {"claude-one", "claude-two", "claude-three"})},
      {IsResponses() ? "input" : "messages", Turns()}};
  if (IsAnthropic() && knobs_[kSystem] != 0) {
    request.emplace_back("system",
                         Text(knobs_[kSystem] == 1 ? "be bri\u00e9f" : "be long", "user"));
  }
  if (knobs_[kTools] != 0 || Maybe()) {
    request.emplace_back("tools", Tools());
  }
  const std::string usual = knobs_[kTools] != 0 ? "auto" : "none";
  const Value choice = Setting<Value>(
      kChoice, {Maybe() ? Value(usual) : Value(), "required", Value::Map{{"type", "any"}}});
  request.emplace_back("tool_choice", choice);
  AddSampling(request);
  AddNoise(request);
  return request;
}

// Fewer where the code is not optimised: there a case takes a millisecond.
std::size_t Cases() {
#ifdef NDEBUG
  constexpr std::size_t kUsual = 100'000;
#else
  constexpr std::size_t kUsual = 10'000;
#endif
  const char* asked = std::getenv("REPRISE_IDENTITY_CASES");
  return asked != nullptr ? std::strtoull(asked, nullptr, 10) : kUsual;
}

// Turns one knob, most of the time.
void Turn(std::mt19937_64& chance, Knobs& knobs) {
  if (chance() % 4 == 0) {
    return;
  }
  const std::size_t knob = chance() % kKnobs;
  const unsigned step = 1 + static_cast<unsigned>(chance() % (kSettings[knob] - 1));
  knobs[knob] = (knobs[knob] + step) % kSettings[knob];
  if (knobs[kAttachment] == 0) {
    knobs[kAttachmentFirst] = 0;
  }
}

TEST_CASE("of many generated requests those with the same meaning, and no others, are the same") {
  std::mt19937_64 chance(20'240'607);  // NOLINT(cert-msc51-cpp): the same walk each time
  Speller speller(chance);
  std::unordered_map<std::uint64_t, std::size_t> question_of;  // knobs -> hash of the question
  std::unordered_map<std::size_t, std::uint64_t> knobs_of;     // and back
  Knobs knobs{};
  std::size_t violations = 0;
  std::size_t respelled = 0;
  const std::size_t cases = Cases();
  for (std::size_t i = 0; i < cases; ++i) {
    Turn(chance, knobs);
    const std::string bytes = speller.Spell(knobs);
    const auto question = ReadChatRequest(bytes, {});
    if (!question.ok()) {
      FAIL("case " << i << ": " << question.error().detail);
    }
    // The prompt stays as it was spelled; the tier `normalized` folds it (server/text).
    std::string scratch;
    const std::string prompt(text::Nfc(question.value().prompt, scratch).value());
    const std::size_t hash = std::hash<std::string>()(std::to_string(prompt.size()) + prompt +
                                                      question.value().identity);
    const auto [known, is_new] = question_of.try_emplace(Packed(knobs), hash);
    const auto [owner, is_first] = knobs_of.try_emplace(hash, Packed(knobs));
    respelled += is_new ? 0 : 1;
    if (known->second != hash || owner->second != Packed(knobs)) {
      ++violations;
      UNSCOPED_INFO("case " << i << ": knobs " << std::oct << Packed(knobs) << " and "
                            << owner->second);
    }
  }
  std::printf("identity cases=%zu questions=%zu respelled=%zu violations=%zu\n", cases,
              question_of.size(), respelled, violations);
  CHECK(violations == 0);
  CHECK(respelled > cases / 5);
}

}  // namespace
}  // namespace reprise::cache
