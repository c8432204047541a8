// Args: the params of a request, checked against a command's row and ready for its handler.
//
// Positional arguments come first, in the order of the row; what follows them may be one map with
// options by name. Nil in place of an argument that may be nil has no bytes. Threads: one owner.
// Lifetime: texts and values point into the request's bytes. Errors: kBadRequest and kTooLarge,
// naming the command, the argument, what was found and what is allowed. Complexity: O(bytes of
// params). Limits: those of the row; kKeysPerCommand for repeated arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"
#include "server/commands/spec.h"

namespace reprise::wire {
class Reader;
}

namespace reprise::commands {

class Args {
 public:
  // Replaces what was there; memory is reused.
  base::Status Decode(const CommandSpec& spec, std::string_view params);

  std::size_t size() const { return items_.size() - option_count_; }
  std::string_view Bytes(std::size_t index) const { return items_[option_count_ + index].bytes; }
  std::int64_t Int(std::size_t index) const { return items_[option_count_ + index].number; }
  // Absent: nil, or left out.
  std::optional<std::int64_t> MaybeIntAt(std::size_t index) const {
    return index < size() && items_[option_count_ + index].given ? std::optional(Int(index))
                                                                 : std::nullopt;
  }

  // Options by their index in the row.
  bool Has(std::size_t option) const { return items_[option].given; }
  std::string_view BytesOr(std::size_t option, std::string_view otherwise) const {
    return Has(option) ? items_[option].bytes : otherwise;
  }
  std::int64_t IntOr(std::size_t option, std::int64_t otherwise) const {
    return Has(option) ? items_[option].number : otherwise;
  }
  bool BoolOr(std::size_t option, bool otherwise) const {
    return Has(option) ? items_[option].number != 0 : otherwise;
  }
  std::optional<std::int64_t> MaybeInt(std::size_t option) const {
    return Has(option) ? std::optional(items_[option].number) : std::nullopt;
  }
  // Of a kShare.
  std::optional<double> MaybeShare(std::size_t option) const {
    constexpr double kMillion = 1'000'000;
    return Has(option) ? std::optional(static_cast<double>(items_[option].number) / kMillion)
                       : std::nullopt;
  }
  // 0: no deadline.
  std::int64_t timeout_ms() const { return timeout_ms_; }

 private:
  struct Item {
    std::string_view bytes;  // text without its header; of kValue and kTexts the whole value
    std::int64_t number = 0;
    bool given = false;
  };

  base::Status DecodePositional(const CommandSpec& spec, std::uint32_t count, wire::Reader& reader);
  base::Status DecodeOptions(const CommandSpec& spec, wire::Reader& reader);
  base::Status DecodeTimeout(const CommandSpec& spec, wire::Reader& reader);
  base::Status DecodeOption(const CommandSpec& spec, std::string_view name, wire::Reader& reader);
  static base::Result<Item> DecodeItem(const CommandSpec& spec, const ArgSpec& arg,
                                       wire::Reader& reader);

  std::vector<Item> items_;  // the options of the row, then the positional arguments
  std::size_t option_count_ = 0;
  std::int64_t timeout_ms_ = 0;
};

}  // namespace reprise::commands
