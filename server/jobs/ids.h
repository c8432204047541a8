// Tickets and leases: how tasks and batches are named, inside and on the wire.
//
// A ticket is a number that grows and is never used again in its namespace; on the wire it is 16
// hexadecimal digits. A lease token is the lease's number and a random nonce, 32 digits: who was
// not given it cannot settle its items, and a later lease of the same task has another one, which
// is the fence against late workers. Threads: values. Errors: absent for a text that is neither.
// Complexity: O(1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reprise::jobs {

enum class TaskId : std::uint64_t {};
enum class LeaseId : std::uint64_t {};

constexpr std::uint64_t ToInt(TaskId id) {
  return static_cast<std::uint64_t>(id);
}
constexpr std::uint64_t ToInt(LeaseId id) {
  return static_cast<std::uint64_t>(id);
}

struct LeaseToken {
  LeaseId id{0};
  std::uint64_t nonce = 0;

  bool operator==(const LeaseToken&) const = default;
};

inline constexpr std::size_t kTicketBytes = 16;
inline constexpr std::size_t kLeaseTokenBytes = 32;

std::string TicketText(TaskId id);
std::optional<TaskId> ParseTicket(std::string_view text);
std::string LeaseText(const LeaseToken& token);
std::optional<LeaseToken> ParseLease(std::string_view text);

}  // namespace reprise::jobs
