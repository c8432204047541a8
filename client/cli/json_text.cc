#include "client/cli/json_text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

#include "protocol/wire/json.h"

namespace reprise::client {
namespace {

template <typename Number>
bool Holds(std::string_view digits) {
  Number number{};
  return std::from_chars(digits.data(), digits.data() + digits.size(), number).ec == std::errc{};
}

// The first integer that has no 64-bit form, empty when there is none. `text` is valid JSON.
std::string_view IntegerBeyond64Bits(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      for (++i; text[i] != '"'; ++i) {
        i += text[i] == '\\' ? 1 : 0;
      }
    } else if (text[i] == '-' || (text[i] >= '0' && text[i] <= '9')) {
      const std::size_t end = std::min(text.find_first_not_of("+-.0123456789Ee", i), text.size());
      const std::string_view number = text.substr(i, end - i);
      const bool is_integer = number.find_first_of(".Ee") == std::string_view::npos;
      const bool fits =
          number.front() == '-' ? Holds<std::int64_t>(number) : Holds<std::uint64_t>(number);
      if (is_integer && !fits) {
        return number;
      }
      i = end - 1;
    }
  }
  return {};
}

}  // namespace

base::Result<base::Value> ReadJson(std::string_view text) {
  ASSIGN_OR_RETURN(base::Value value, wire::FromJson(text));
  // A parser that knows doubles only would have rounded it.
  if (const std::string_view number = IntegerBeyond64Bits(text); !number.empty()) {
    return base::Error{base::Code::kTooLarge,
                       "the integer " + std::string(number) +
                           " is beyond 64 bits (-9223372036854775808 to 18446744073709551615); "
                           "give it as a string in double quotes"};
  }
  return value;
}

}  // namespace reprise::client
