#include "bench/traces/answers.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

namespace reprise::bench {
namespace {

using nlohmann::json;

// A number, or tiers of which the first is the usual one.
double NumberOf(const json& prices, const char* name) {
  const auto found = prices.find(name);
  if (found == prices.end()) {
    return 0;
  }
  if (found->is_object()) {
    return NumberOf(*found, "base");
  }
  return found->is_number() ? found->get<double>() : 0;
}

// Of prices that changed with time, the last.
Price PriceOf(const json& model) {
  const auto prices = model.find("prices");
  if (prices == model.end()) {
    return {};
  }
  const json* current = &*prices;
  if (current->is_array()) {
    if (current->empty() || !current->back().contains("prices")) {
      return {};
    }
    current = &current->back()["prices"];
  }
  return {NumberOf(*current, "input_mtok"), NumberOf(*current, "output_mtok")};
}

double LogNormal(double median, double most, std::mt19937_64& random) {
  const auto share = [&] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; };
  const double radius = std::sqrt(-2 * std::log(share()));
  const double normal = radius * std::cos(2 * std::acos(-1.0) * share());
  return std::floor(std::clamp(median * std::exp(normal), 1.0, most));
}

}  // namespace

base::Result<std::vector<Price>> ReadPrices(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    return base::Error{base::Code::kIo, "there is no price list at " + path};
  }
  const json providers = json::parse(file, nullptr, false);
  std::vector<Price> prices;
  if (providers.is_array()) {
    for (const json& provider : providers) {
      for (const json& model : provider.value("models", json::array())) {
        const Price price = PriceOf(model);
        if (price.in > 0 && price.out > 0) {
          prices.push_back(price);
        }
      }
    }
  }
  if (prices.empty()) {
    return base::Error{base::Code::kCorrupt, path + " holds no prices"};
  }
  return prices;
}

std::vector<Answer> DrawAnswers(std::size_t count, const std::vector<Price>& prices,
                                std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Answer> answers;
  answers.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double in = LogNormal(300, 32'000, random);
    const double out = LogNormal(250, 8'000, random);
    const std::uint64_t chosen = random();
    const Price price = prices.empty() ? Price() : prices[chosen % prices.size()];
    answers.push_back({static_cast<std::uint64_t>(1'000 * (price.in * in + price.out * out)),
                       static_cast<std::uint32_t>(400 + in + 4 * out)});
  }
  return answers;
}

}  // namespace reprise::bench
