// Questions: made-up questions in great variety, each with a second wording of the same.
//
// Number i always gives the same question; about 300,000 are different. Units: none. Threads: any.
// Errors: none.
#pragma once

#include <cstdint>
#include <string>

namespace reprise::bench {

std::string StoredQuestion(std::uint64_t number);
// The same question in other words; `wording` 0 to 2 are three of them.
std::string Rephrased(std::uint64_t number, std::uint64_t wording);
// About nothing that any of them is about.
std::string Unrelated(std::uint64_t number);

}  // namespace reprise::bench
