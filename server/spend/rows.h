// Keys of this module's rows: the family `ledger`, the namespace's four bytes, '$', a letter.
//
// What belongs to the whole server (prices, budgets of scope `global`, the counter) stands under
// the namespace 0, which no tenant has. FORMAT.md says what is in each row. Threads: any. Errors:
// kCorrupt from Cursor.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "storage/engine/namespace_id.h"

namespace reprise::spend {

using storage::NamespaceId;

inline constexpr NamespaceId kServerWide{0};

enum class RowKind : char {
  kDay = 'a',          // totals of a day
  kBudget = 'b',       // what was set
  kCounter = 'c',      // of the server: the last number that was given
  kHead = 'h',         // of the ledger: its last record
  kChargeId = 'i',     // charges by their id
  kRecord = 'l',       // the ledger
  kDayCount = 'n',     // how many different totals a day has
  kModel = 'p',        // a priced model
  kProvider = 'q',     // its provider
  kReservation = 'r',  // what is held
  kBalance = 's',      // what is spent of a budget
};

std::string RowPrefix(NamespaceId id, RowKind kind);
// Behind the prefix a number, big-endian, so that rows stand in its order.
std::string NumberKey(NamespaceId id, RowKind kind, std::uint64_t number);
std::string TextKey(NamespaceId id, RowKind kind, std::string_view text);
// The number at the end of a NumberKey.
std::uint64_t NumberOf(std::string_view key);

// Numbers in groups of seven bits, the lowest first; texts behind their number of bytes.
void AppendNumber(std::uint64_t number, std::string& out);
void AppendSigned(std::int64_t number, std::string& out);  // must not be negative
void AppendText(std::string_view text, std::string& out);

// Reads what these wrote. After the first failure everything reads as zero and empty.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t Number();
  std::uint64_t NumberUpTo(std::uint64_t max);
  std::int64_t Signed();  // from 0 to 2^63 - 1
  std::string_view Text();
  std::string_view Bytes(std::size_t count);
  void Fail() { failed_ = true; }

  bool failed() const { return failed_; }
  // Everything was read, and nothing is left.
  bool Finished() const { return !failed_ && bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool failed_ = false;
};

}  // namespace reprise::spend
