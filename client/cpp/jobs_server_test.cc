// Jobs against the built server, whose address is in REPRISE_ADDRESS: bots hand in, the worker loop
// takes and completes. tests/integration/cpp_client_test.py starts the server and runs this.
#include <cstdlib>
#include <map>
#include <poll.h>
#include <thread>

#include <catch2/catch.hpp>

#include "client/cpp/client.h"
#include "client/cpp/job_worker.h"

namespace reprise::client {
namespace {

using base::Value;

std::unique_ptr<Client> Open() {
  const char* address = std::getenv("REPRISE_ADDRESS");
  return Client::Create({.address = address == nullptr ? "" : address}).value();
}

std::vector<JobOutcome> Shouted(const JobBatch& batch) {
  std::vector<JobOutcome> outcomes;
  for (const BatchItem& item : batch.items) {
    const std::string said(item.payload.AsText().value_or(""));
    outcomes.push_back({.done = {.ticket = item.ticket, .result = said + "!", .cost_nano = 7}});
  }
  return outcomes;
}

// A worker in a thread of its own, for as long as a case lasts.
struct Running {
  Running(JobWorkerOptions options, JobWorker::Work work)
      : worker(*client, std::move(options), std::move(work)),
        thread([this] { status = worker.Run(); }) {}
  ~Running() {
    worker.Stop();
    thread.join();
    CHECK(status.ok());
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  Running(Running&&) = delete;
  Running& operator=(Running&&) = delete;

  std::unique_ptr<Client> client = Open();
  JobWorker worker;
  base::Status status = base::Ok{};
  std::thread thread;
};

TEST_CASE("A bot hands in and waits, a worker loop answers") {
  const Running worker({.name = "w", .take = {.categories = {"shout"}}},
                       [](const JobBatch& batch, const std::atomic<bool>&) {
                         return base::Result<std::vector<JobOutcome>>(Shouted(batch));
                       });
  const auto bot = Open();
  const auto end = bot->Jobs().SubmitAndWait(
      {.payload = "hello", .category = "shout", .max_wait_ms = 0, .custom_id = "mine"}, 20'000);
  REQUIRE(end.ok());
  CHECK(end.value().succeeded());
  CHECK(end.value().result == Value("hello!"));
  CHECK(end.value().custom_id == "mine");
  CHECK(end.value().cost_nano == 7U);
  while (worker.worker.counts().items == 0) {  // The worker hears of it a moment after the bot.
    std::this_thread::yield();
  }
  CHECK(worker.worker.counts().items == 1);
}

TEST_CASE("A lease outlives its time while the work lasts") {
  const Running worker({.name = "slow", .take = {.categories = {"slow"}, .lease_ms = 300}},
                       [](const JobBatch& batch, const std::atomic<bool>& lost) {
                         poll(nullptr, 0, 1'200);
                         CHECK_FALSE(lost.load());
                         return base::Result<std::vector<JobOutcome>>(Shouted(batch));
                       });
  const auto bot = Open();
  const auto end =
      bot->Jobs().SubmitAndWait({.payload = "x", .category = "slow", .max_wait_ms = 0}, 20'000);
  CHECK(end.value().succeeded());
  CHECK(end.value().attempts == 1);
}

TEST_CASE("Items that fail, and those without an answer, go back one by one") {
  const Running worker(
      {.name = "picky", .take = {.categories = {"picky"}}},
      [](const JobBatch& batch, const std::atomic<bool>&) -> base::Result<std::vector<JobOutcome>> {
        std::vector<JobOutcome> outcomes = Shouted(batch);
        for (std::size_t i = outcomes.size(); i-- > 0;) {
          const std::string said(batch.items[i].payload.AsText().value_or(""));
          if (said == "bad") {
            outcomes[i].error = "refused";
            outcomes[i].may_retry = false;
          } else if (said == "forgotten" && batch.items[i].attempt == 1) {
            outcomes.erase(outcomes.begin() + static_cast<std::ptrdiff_t>(i));
          }
        }
        return outcomes;
      });
  const auto bot = Open();
  const auto tickets =
      bot->Jobs().Submit({{.payload = "good", .category = "picky", .max_wait_ms = 0},
                          {.payload = "bad", .category = "picky", .max_wait_ms = 0},
                          {.payload = "forgotten", .category = "picky", .max_wait_ms = 0}});
  REQUIRE(tickets.ok());
  std::map<std::string, JobState> ends;
  for (const JobTicket& ticket : tickets.value()) {
    const auto end = bot->Jobs().Result(ticket.ticket, 20'000);
    REQUIRE(end.ok());
    ends[ticket.ticket] = end.value();
  }
  CHECK(ends[tickets.value()[0].ticket].result == Value("good!"));
  CHECK(ends[tickets.value()[1].ticket].status == "failed");
  CHECK(ends[tickets.value()[1].ticket].error == "refused");
  CHECK(ends[tickets.value()[2].ticket].succeeded());
  CHECK(ends[tickets.value()[2].ticket].attempts == 2);
}

TEST_CASE("Stopping finishes what is under way and takes nothing more") {
  const auto bot = Open();
  std::atomic<bool> begun{false};
  std::string first;
  {
    const Running worker({.name = "last", .take = {.categories = {"last"}}},
                         [&](const JobBatch& batch, const std::atomic<bool>&) {
                           begun = true;
                           poll(nullptr, 0, 300);
                           return base::Result<std::vector<JobOutcome>>(Shouted(batch));
                         });
    first = bot->Jobs()
                .Submit({{.payload = "a", .category = "last", .max_wait_ms = 0}})
                .value()[0]
                .ticket;
    while (!begun) {
      std::this_thread::yield();
    }
  }
  const auto second =
      bot->Jobs().Submit({{.payload = "b", .category = "last", .max_wait_ms = 0}}).value();
  CHECK(bot->Jobs().Result(first).value().succeeded());
  CHECK(bot->Jobs().Result(second[0].ticket).value().phase == "ready");
  CHECK(bot->Jobs().Cancel(second[0].ticket).value());
  CHECK_FALSE(bot->Jobs().Cancel(second[0].ticket).value());
}

}  // namespace
}  // namespace reprise::client
