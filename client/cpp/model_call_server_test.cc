// CallModel against the built server, whose address is in REPRISE_ADDRESS: what is charged, told
// and held. tests/integration/cpp_client_test.py starts the server and runs this.
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include <catch2/catch.hpp>

#include "client/cpp/client.h"
#include "client/cpp/model_call.h"

namespace reprise::client {
namespace {

using base::Code;
using base::Error;
using base::Value;

// A server of its own scope and models in every case.
struct Here {
  Here() {
    const char* address = std::getenv("REPRISE_ADDRESS");
    client = Client::Connect({.address = address == nullptr ? "" : address}).value();
    for (const auto& [name, price] : {std::pair{"mc-cheap", 1'000'000}, {"mc-dear", 10'000'000}}) {
      REQUIRE(client->Routing().SetModel(name, {.input_nano = price, .output_nano = price}).ok());
    }
  }
  ModelCall Calling(const std::string& bot) const {
    return {.prompt = "What is RAII?",
            .select = {.models = {"mc-cheap", "mc-dear"},
                       .critical = true,
                       .context_tokens = 100,
                       .answer_tokens = 100,
                       .scopes = {"bot:" + bot}}};
  }
  BudgetReading Budget(const std::string& bot) const {
    const auto budgets = client->Spend().Budgets();
    for (const BudgetReading& budget : budgets.value()) {
      if (budget.scope == "bot:" + bot) {
        return budget;
      }
    }
    return {};
  }
  void SetBudget(const std::string& bot, std::int64_t nano) const {
    REQUIRE(client->Spend().SetBudget("bot:" + bot, nano, {.period = "total"}).ok());
  }
  std::unique_ptr<Client> client;
};

TEST_CASE("A model call is routed, charged what it took, once, and fed back") {
  const Here here;
  here.SetBudget("mc-paid", 1'000'000);
  const auto done =
      CallModel(*here.client, here.Calling("mc-paid"),
                [&](const std::string& model) -> base::Result<ModelAnswer> {
                  CHECK(model == "mc-dear");
                  CHECK(here.Budget("mc-paid").reserved_nano == 2'000);
                  return ModelAnswer{"an idiom", 1'500, TokenUsage{100, 50}, 0.9, 850};
                });
  REQUIRE(done.ok());
  CHECK(done.value().response == Value("an idiom"));
  CHECK(done.value().charged_nano == 1'500);
  CHECK_FALSE(done.value().charge_is_estimate);
  CHECK_FALSE(done.value().unsettled.has_value());
  CHECK(here.Budget("mc-paid").spent_nano == 1'500);
  CHECK(here.Budget("mc-paid").reserved_nano == 0);
  const auto again = here.client->Spend().Record(
      1'500, {.scopes = {"bot:mc-paid"}, .charge_id = done.value().charge_id});
  CHECK((!again.ok() || again.value().duplicate));
  CHECK(here.Budget("mc-paid").spent_nano == 1'500);
  // The decision was judged; nobody can judge it again.
  const auto judged =
      here.client->Routing().Feedback(done.value().choice.decision, {.quality = 0.1});
  CHECK(judged.error().code == Code::kExists);
}

TEST_CASE("Without a cost or a known price the reserved amount is charged, and said so") {
  const Here here;
  here.SetBudget("mc-guess", 1'000'000);
  const auto done = CallModel(*here.client, here.Calling("mc-guess"),
                              [](const std::string&) -> base::Result<ModelAnswer> {
                                return ModelAnswer{.response = "x", .usage = TokenUsage{10, 10}};
                              });
  REQUIRE(done.ok());
  CHECK(done.value().charge_is_estimate);
  CHECK(here.Budget("mc-guess").spent_nano == 2'000);
}

TEST_CASE("When a model fails the next one is asked, and only it is charged") {
  const Here here;
  here.SetBudget("mc-fails", 1'000'000);
  const auto done = CallModel(*here.client, here.Calling("mc-fails"),
                              [](const std::string& model) -> base::Result<ModelAnswer> {
                                if (model == "mc-dear") {
                                  return Error{Code::kUnavailable, "upstream is down"};
                                }
                                return ModelAnswer{.response = "cheap", .cost_nano = 200};
                              });
  REQUIRE(done.ok());
  CHECK(done.value().choice.model == "mc-cheap");
  CHECK(done.value().failed == std::vector<std::string>{"mc-dear"});
  CHECK(here.Budget("mc-fails").spent_nano == 200);
  CHECK(here.Budget("mc-fails").reserved_nano == 0);
}

TEST_CASE("When all models fail the last error comes back and nothing is held") {
  const Here here;
  here.SetBudget("mc-all", 1'000'000);
  int asked = 0;
  const auto done = CallModel(*here.client, here.Calling("mc-all"),
                              [&](const std::string&) -> base::Result<ModelAnswer> {
                                return Error{Code::kIo, "failure " + std::to_string(++asked)};
                              });
  CHECK(done.error().detail == "failure 2");
  CHECK(here.Budget("mc-all").spent_nano == 0);
  CHECK(here.Budget("mc-all").reserved_nano == 0);
}

TEST_CASE("A hard budget without room stops the call before anything is asked, and says when") {
  const Here here;
  REQUIRE(here.client->Spend().SetBudget("bot:mc-poor", 10, {.period = "day"}).ok());
  bool asked = false;
  const auto ask = [&](const std::string&) -> base::Result<ModelAnswer> {
    asked = true;
    return ModelAnswer{};
  };
  const auto never = CallModel(*here.client, here.Calling("mc-poor"), ask);
  CHECK(never.error().code == Code::kBusy);
  CHECK(never.error().detail.find("bot:mc-poor") != std::string::npos);
  CHECK(never.error().detail.find("never") != std::string::npos);
  REQUIRE(here.client->Spend().SetBudget("bot:mc-full", 2'500, {.period = "day"}).ok());
  REQUIRE(here.client->Spend().Record(1'000, {.scopes = {"bot:mc-full"}}).ok());
  const auto later = CallModel(*here.client, here.Calling("mc-full"), ask);
  CHECK(later.error().code == Code::kBusy);
  CHECK(later.error().detail.find(" ms") != std::string::npos);
  CHECK_FALSE(asked);
}

TEST_CASE("What is thrown while a model is asked goes on, and nothing stays held") {
  const Here here;
  here.SetBudget("mc-throws", 1'000'000);
  CHECK_THROWS_AS(CallModel(*here.client, here.Calling("mc-throws"),
                            [](const std::string&) -> base::Result<ModelAnswer> {
                              return ModelAnswer{.cost_nano = std::vector<int>().at(1)};
                            }),
                  std::out_of_range);
  CHECK(here.Budget("mc-throws").reserved_nano == 0);
}

}  // namespace
}  // namespace reprise::client
