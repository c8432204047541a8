// Trimmed: a text without the spaces around it. Threads: any. Lifetime: a view into the argument.
#pragma once

#include <string_view>

namespace reprise::config {

inline std::string_view Trimmed(std::string_view text) {
  while (text.starts_with(' ')) {
    text.remove_prefix(1);
  }
  while (text.ends_with(' ')) {
    text.remove_suffix(1);
  }
  return text;
}

}  // namespace reprise::config
