// A bot that answers from the cache where it can. Questions in, one a line; answers out.
//
//   example_bot [ADDRESS] < questions.txt
//
// Of equal questions, from any number of bots, one is computed. When the server is down the bot
// goes on without a cache (fail_open).
#include <iostream>
#include <string>

#include "client/cpp/reprise.h"

namespace {

using reprise::base::Value;
using reprise::client::Computed;
using reprise::client::FetchOutcome;

// Stands for the call to a language model, which costs seconds and money.
Computed AskTheModel(const std::string& question) {
  const std::string answer = "I have thought about \"" + question + "\" and the answer is " +
                             std::to_string(question.size()) + ".";
  return {
      .response = answer,
      .facts = {
          .tokens_in = question.size() / 4, .tokens_out = answer.size() / 4, .model = "example-1"}};
}

// What a bot sends to its model anyway: two bots with other models or instructions share nothing.
Value RequestFor(const std::string& question) {
  return Value::Map{
      {"model", "example-1"},
      {"messages", Value::Array{Value::Map{{"role", "system"}, {"content", "Be brief."}},
                                Value::Map{{"role", "user"}, {"content", question}}}}};
}

void Tell(const FetchOutcome& outcome) {
  std::cerr << "  [" << NameOf(outcome.status);
  if (!outcome.computed) {
    std::cerr << ", saved " << outcome.found.tokens_out << " tokens";
  }
  if (outcome.error.has_value()) {
    std::cerr << ", no cache: " << outcome.error->detail;
  }
  std::cerr << "]\n";
}

}  // namespace

int main(int argc, char** argv) {
  const std::string address = argc > 1 ? argv[1] : "127.0.0.1:7377";
  if (address == "--help") {
    std::cout << "usage: example_bot [ADDRESS] < questions, one a line\n";
    return 0;
  }
  const auto fetcher = reprise::client::Fetcher::Create(
      {.address = address, .client_name = "example"}, {.fail_open = true});
  if (!fetcher.ok()) {
    std::cerr << "error: " << fetcher.error().detail << "\n";
    return 1;
  }
  for (std::string question; std::getline(std::cin, question);) {
    const auto answer = fetcher.value()->FetchOrCompute(
        "", [&](const auto& /*context*/) { return AskTheModel(question); },
        {.fetch = {.request = RequestFor(question)}});
    if (!answer.ok()) {
      std::cerr << "error: " << answer.error().detail << "\n";
      return 1;
    }
    Tell(answer.value());
    std::cout << answer.value().response.AsText().value_or("") << "\n";
  }
  return 0;
}
