// A bot that answers from the cache where it can: question in, look up, else compute and store.
//
//   example_bot [ADDRESS] < questions.txt
#include <iostream>
#include <string>

#include "client/cpp/reprise.h"

namespace {

using reprise::base::Value;

// Stands for the call to a language model, which costs seconds and money.
std::string Compute(const std::string& question) {
  return "I have thought about \"" + question + "\" and the answer is " +
         std::to_string(question.size()) + ".";
}

// All else that changes the answer: two bots with other models or instructions share nothing.
Value Identity() {
  return Value::Map{{"model", "example-1"}, {"system", "Be brief."}};
}

reprise::base::Result<std::string> Answer(reprise::client::Caller& server,
                                          const std::string& question) {
  auto cache = server.Cache();
  ASSIGN_OR_RETURN(const auto found, cache.Lookup(question, {.identity = Identity()}));
  if (found.hit) {
    std::cerr << "  [" << found.tier << " hit, saved " << found.tokens_out << " tokens]\n";
    return std::string(found.response.AsText().value_or(""));
  }
  std::string answer = Compute(question);
  const auto stored = cache.Store(
      question, answer,
      {.identity = Identity(), .tokens_in = question.size() / 4, .tokens_out = answer.size() / 4});
  if (!stored.ok()) {  // An answer that could not be stored is an answer all the same.
    std::cerr << "  [not stored: " << stored.error().detail << "]\n";
  }
  return answer;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string address = argc > 1 ? argv[1] : "127.0.0.1:7377";
  if (address == "--help") {
    std::cout << "usage: example_bot [ADDRESS] < questions, one a line\n";
    return 0;
  }
  auto client = reprise::client::Client::Connect({.address = address, .client_name = "example"});
  if (!client.ok()) {
    std::cerr << "error: " << client.error().detail << "\n";
    return 1;
  }
  for (std::string question; std::getline(std::cin, question);) {
    const auto answer = Answer(*client.value(), question);
    if (answer.ok()) {
      std::cout << answer.value() << "\n";
    } else {  // A cache that is down is no reason to be silent.
      std::cerr << "  [no cache: " << answer.error().detail << "]\n";
      std::cout << Compute(question) << "\n";
    }
  }
  return 0;
}
