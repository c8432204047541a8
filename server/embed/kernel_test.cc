#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "server/embed/kernels.h"
#include "server/embed/panel_plan.h"

namespace reprise::embed {
namespace {

class Chance {
 public:
  std::vector<float> Floats(std::size_t count, float spread) {
    std::normal_distribution<float> normal(0.0F, spread);
    std::vector<float> values(count);
    for (float& value : values) {
      value = normal(engine_);
    }
    return values;
  }
  std::int32_t Integer(std::int32_t most) {
    return std::uniform_int_distribution<std::int32_t>(-most, most)(engine_);
  }

 private:
  std::mt19937 engine_{3};  // NOLINT(cert-msc51-cpp): the same numbers each time
};

// A matrix in panels, and the same numbers one output after another.
template <typename Weight>
struct Sample {
  Sample(Chance& chance, std::size_t inputs, std::size_t outputs, std::int32_t most)
      : panels(inputs * outputs),
        weights(inputs * outputs),
        sums(outputs),
        scales(chance.Floats(outputs, 0.01F)),
        bias(chance.Floats(outputs, 1.0F)) {
    constexpr std::size_t kGroup = kGroupBytes / sizeof(Weight);
    for (std::size_t output = 0; output < outputs; ++output) {
      for (std::size_t input = 0; input < inputs; ++input) {
        const std::int32_t weight = output == 0 ? most : output == 1 ? -most : chance.Integer(most);
        weights[output * inputs + input] = weight;
        sums[output] += weight;
        const std::size_t panel = output / kLanes * kLanes * inputs;
        panels[panel + input / kGroup * kGroup * kLanes + output % kLanes * kGroup +
               input % kGroup] = static_cast<Weight>(weight);
      }
    }
    matrix = {panels.data(), scales.data(), sums.data(), bias.data(), inputs, outputs};
  }

  std::vector<Weight> panels;
  std::vector<std::int32_t> weights;
  std::vector<std::int32_t> sums;
  std::vector<float> scales;
  std::vector<float> bias;
  PanelMatrix matrix;
};

std::vector<float> ProductOf(const Kernel& kernel, PanelMatrix matrix, bool is_fine,
                             const std::vector<float>& rows) {
  PanelPlan plan;
  if (kernel.wants_plan && !is_fine) {
    plan = PlanOf(matrix);
    Attach(plan, matrix);
  }
  const std::size_t count = rows.size() / matrix.inputs;
  std::vector<std::int16_t> quantized(rows.size());
  std::vector<Quantization> quantizations;
  for (std::size_t i = 0; i < count; ++i) {
    const float* row = rows.data() + i * matrix.inputs;
    if (is_fine) {
      quantizations.push_back(
          kernel.quantize_fine(row, matrix.inputs, quantized.data() + i * matrix.inputs));
    } else {
      auto* bytes = reinterpret_cast<char*>(quantized.data());
      quantizations.push_back(
          kernel.quantize(row, matrix.inputs, bytes + i * matrix.inputs * kernel.value_bytes));
    }
  }
  std::vector<float> out(count * matrix.outputs);
  (is_fine ? kernel.multiply_int16 : kernel.multiply_int8)(
      matrix, {quantized.data(), quantizations.data(), count}, out.data());
  return out;
}

// The largest error of one product, in steps of rows and weights, when rows are rounded to a step.
template <typename Weight>
void CheckCloseToExact(const Sample<Weight>& sample, const std::vector<float>& rows,
                       const std::vector<float>& product, float steps) {
  const std::size_t inputs = sample.matrix.inputs;
  const std::size_t outputs = sample.matrix.outputs;
  std::size_t wrong = 0;
  for (std::size_t row = 0; row < rows.size() / inputs; ++row) {
    const float* values = rows.data() + row * inputs;
    const auto [least, most] = std::minmax_element(values, values + inputs);
    const double step = (std::max(*most, 0.0F) - std::min(*least, 0.0F)) / steps;
    for (std::size_t output = 0; output < outputs; ++output) {
      double exact = 0;
      double slack = 1e-3;
      for (std::size_t i = 0; i < inputs; ++i) {
        const double weight = sample.weights[output * inputs + i] * double{sample.scales[output]};
        exact += values[i] * weight;
        slack += step * std::abs(weight);
      }
      const double difference = product[row * outputs + output] - sample.bias[output] - exact;
      wrong += std::abs(difference) <= slack ? 0 : 1;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("every kernel multiplies int8 as the plain one, to the bit") {
  Chance chance;
  // At 64 the sums of two products just fit 16 bits, at 65 they do not.
  const std::size_t inputs = GENERATE(16U, 256U, 1536U);
  for (const std::int32_t most : {127, 65, 64}) {
    const Sample<std::int8_t> sample(chance, inputs, 64, most);
    for (const std::size_t count : {1U, 3U, 8U, 13U}) {
      std::vector<float> rows = chance.Floats(count * inputs, 1.0F);
      std::fill_n(rows.begin(), inputs, 0.5F);  // one row is above 0, all at its end
      const auto expected = ProductOf(kPlainKernel, sample.matrix, false, rows);
      CheckCloseToExact(sample, rows, expected, static_cast<float>(kSteps));
      for (const Kernel* kernel : UsableKernels()) {
        INFO(kernel->name << " " << inputs << " " << count << " " << most);
        CHECK(ProductOf(*kernel, sample.matrix, false, rows) == expected);
      }
    }
  }
}

TEST_CASE("every kernel multiplies int16 as the plain one, to the bit") {
  Chance chance;
  for (const std::size_t inputs : {16U, 512U}) {
    const Sample<std::int16_t> sample(chance, inputs, 64, kFineMax);
    for (const std::size_t count : {1U, 7U, 9U}) {
      std::vector<float> rows = chance.Floats(count * inputs, 1.0F);
      std::fill_n(rows.begin(), inputs, -2.0F);  // the largest sum that there is
      const auto expected = ProductOf(kPlainKernel, sample.matrix, true, rows);
      CheckCloseToExact(sample, rows, expected, static_cast<float>(kFineMax));
      for (const Kernel* kernel : UsableKernels()) {
        INFO(kernel->name << " " << inputs << " " << count);
        CHECK(ProductOf(*kernel, sample.matrix, true, rows) == expected);
      }
    }
  }
}

TEST_CASE("a plan puts first the groups that cannot saturate, and has each once") {
  Chance chance;
  Sample<std::int8_t> sample(chance, 64, 32, 64);
  constexpr std::size_t kGroups = 64 / kGroupBytes;
  sample.panels[3 * kLanes * kGroupBytes] = 65;  // group 3 of output 0: 65 and 64
  const PanelPlan plan = PlanOf(sample.matrix);
  CHECK(plan.narrow_groups == std::vector<std::uint32_t>{kGroups - 1, kGroups, kGroups, kGroups});
  REQUIRE(plan.order.size() == 4 * kGroups);
  CHECK(plan.order[kGroups - 1] == 3);
  std::vector<std::uint16_t> half(plan.order.begin(), plan.order.begin() + kGroups);
  std::sort(half.begin(), half.end());
  CHECK(std::equal(half.begin(), half.end(), plan.order.begin() + kGroups));
  CHECK(plan.offsets[0] == 128 * (65 + 3 * 64));
  CHECK(plan.offsets[kHalfPanel] == 0);
}

TEST_CASE("a row of zeros is quantised as zeros") {
  Chance chance;
  const Sample<std::int8_t> sample(chance, 32, 32, 127);
  for (const Kernel* kernel : UsableKernels()) {
    CHECK(ProductOf(*kernel, sample.matrix, false, std::vector<float>(32)) == sample.bias);
  }
}

TEST_CASE("every kernel does the float steps as the plain one, to the bit") {
  Chance chance;
  constexpr std::size_t kWidth = 64;
  constexpr std::size_t kCount = 19;
  const std::vector<float> rows = chance.Floats(kCount * 3 * kWidth, 2.0F);
  const std::vector<float> values = chance.Floats(kWidth * kWidth, 1.0F);
  const std::vector<float> bias = chance.Floats(kWidth, 1.0F);
  const auto steps_of = [&](const Kernel& kernel) {
    std::vector<float> out(kCount * kWidth * 3);
    float* product = out.data() + kCount * kWidth;
    float* other = product + kCount * kWidth;
    std::vector<float> scores(kCount + kLanes);
    kernel.attend({rows.data(), kCount, kWidth, 4, 0.3F, scores.data(), out.data()});
    kernel.multiply_float({values.data(), bias.data(), kWidth, kWidth}, {rows.data(), kCount},
                          product);
    kernel.normalize({values.data(), bias.data(), 1e-6F, kWidth}, rows.data(), other);
    std::copy_n(rows.begin(), 2 * kWidth, other + kWidth);
    kernel.add(values.data(), kWidth, other + kWidth);
    kernel.rectify(other + kWidth, kWidth);
    kernel.finish(other + 2 * kWidth, kWidth);
    return out;
  };
  const std::vector<float> expected = steps_of(kPlainKernel);
  for (const Kernel* kernel : UsableKernels()) {
    INFO(kernel->name);
    CHECK(steps_of(*kernel) == expected);
  }
}

TEST_CASE("the float steps are what they are called") {
  Chance chance;
  std::vector<float> row = chance.Floats(32, 3.0F);
  row[0] = 100;
  row[1] = -100;
  std::vector<double> bent;
  double squares = 0;
  for (const float value : row) {
    bent.push_back(std::tanh(double{value}));
    squares += bent.back() * bent.back();
  }
  kPlainKernel.finish(row.data(), row.size());
  for (std::size_t i = 0; i < row.size(); ++i) {
    CHECK(row[i] == Approx(bent[i] / std::sqrt(squares)).margin(1e-6));
  }
}

TEST_CASE("attention over equal keys is the mean of the values") {
  constexpr std::size_t kWidth = 64;
  constexpr std::size_t kCount = 3;
  std::vector<float> rows(kCount * 3 * kWidth, 1.0F);
  for (std::size_t i = 0; i < kCount; ++i) {
    std::fill_n(rows.begin() + static_cast<std::ptrdiff_t>((i * 3 + 2) * kWidth), kWidth,
                static_cast<float>(i));
  }
  std::vector<float> scores(kCount + kLanes);
  std::vector<float> out(kCount * kWidth);
  for (const Kernel* kernel : UsableKernels()) {
    kernel->attend({rows.data(), kCount, kWidth, 4, 1.0F, scores.data(), out.data()});
    CHECK(*std::min_element(out.begin(), out.end()) == Approx(1.0));
    CHECK(*std::max_element(out.begin(), out.end()) == Approx(1.0));
  }
}

}  // namespace
}  // namespace reprise::embed
