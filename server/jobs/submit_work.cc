#include "server/jobs/submit_work.h"

#include <algorithm>

namespace reprise::jobs {
namespace {

base::Error Circle(const std::vector<std::size_t>& tasks) {
  std::string text;
  for (const std::size_t task : tasks) {
    text += (text.empty() ? "" : " -> ") + std::to_string(task);
  }
  return {base::Code::kBadRequest,
          "'after' goes in a circle: tasks " + text + " wait for each other"};
}

}  // namespace

// Walks along the edges from each task that was not seen yet, without recursion.
base::Result<std::vector<std::size_t>> Jobs::SubmitWork::Order() const {
  const std::multimap<std::size_t, std::size_t> waits_for(edges.begin(), edges.end());
  enum class Mark : std::uint8_t { kNew, kOnPath, kDone };
  std::vector<Mark> marks(count, Mark::kNew);
  using Edge = std::multimap<std::size_t, std::size_t>::const_iterator;
  struct Step {
    std::size_t task;
    Edge next;
    Edge end;
  };
  std::vector<Step> path;
  std::vector<std::size_t> order;
  const auto enter = [&](std::size_t task) {
    marks[task] = Mark::kOnPath;
    const auto [first, last] = waits_for.equal_range(task);
    path.push_back({task, first, last});
  };
  for (std::size_t start = 0; start < count; ++start) {
    if (marks[start] == Mark::kNew) {
      enter(start);
    }
    while (!path.empty()) {
      Step& step = path.back();
      if (step.next == step.end) {
        marks[step.task] = Mark::kDone;
        order.push_back(step.task);
        path.pop_back();
        continue;
      }
      const std::size_t other = (step.next++)->second;
      if (marks[other] == Mark::kOnPath) {
        std::vector<std::size_t> cycle;
        auto from = std::find_if(path.begin(), path.end(),
                                 [&](const Step& on_path) { return on_path.task == other; });
        for (; from != path.end(); ++from) {
          cycle.push_back(from->task);
        }
        cycle.push_back(other);
        return Circle(cycle);
      }
      if (marks[other] == Mark::kNew) {
        enter(other);
      }
    }
  }
  return order;
}

base::Status Jobs::SubmitWork::TieTogether(const std::vector<Submitted>& submitted) {
  if (edges.empty()) {
    return base::Ok{};
  }
  ASSIGN_OR_RETURN(const std::vector<std::size_t> order, Order());
  std::map<std::size_t, std::size_t> place_of;
  for (std::size_t place = 0; place < made.size(); ++place) {
    place_of[made[place].first] = place;
  }
  for (const auto& [index, other] : edges) {
    const auto place = place_of.find(index);
    if (place != place_of.end()) {
      NewTask& task = made[place->second].second;
      task.after.push_back(submitted[other].id);
      task.blockers.push_back(submitted[other].id);
    }
  }
  std::vector<std::pair<std::size_t, NewTask>> sorted_tasks;
  std::vector<GroupHash> sorted_hashes;
  for (const std::size_t index : order) {
    const auto place = place_of.find(index);
    if (place != place_of.end()) {
      sorted_tasks.push_back(std::move(made[place->second]));
      sorted_hashes.push_back(hashes[place->second]);
    }
  }
  made = std::move(sorted_tasks);
  hashes = std::move(sorted_hashes);
  return base::Ok{};
}

}  // namespace reprise::jobs
