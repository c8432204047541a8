#include "storage/vector/codec.h"

#include <array>
#include <cmath>
#include <limits>

#include "storage/vector/crc32c.h"
#include "storage/vector/kernels.h"
#include "storage/vector/test_support.h"

namespace reprise::vector {

TEST_CASE("all kernels agree with the plain one, at every length up to 200") {
  std::mt19937_64 random(7);
  const auto usable = UsableKernels();
  for (std::size_t count = 0; count <= 200; ++count) {
    Vector a = count == 0 ? Vector{} : RandomVector(random, count);
    const Vector b = count == 0 ? Vector{} : RandomVector(random, count);
    std::vector<std::int8_t> left(count);
    std::vector<std::int8_t> right(count);
    for (std::size_t i = 0; i < count; ++i) {
      left[i] = static_cast<std::int8_t>(random());
      right[i] = static_cast<std::int8_t>(random());
    }
    for (const Kernels* kernels : usable) {
      CAPTURE(kernels->name, count);
      REQUIRE(kernels->dot_int8(left.data(), right.data(), count) ==
              usable[0]->dot_int8(left.data(), right.data(), count));
      REQUIRE(kernels->dot_float(a.data(), b.data(), count) ==
              Approx(usable[0]->dot_float(a.data(), b.data(), count)).margin(1e-5));
      REQUIRE(kernels->dot_mixed(a.data(), right.data(), count) ==
              Approx(usable[0]->dot_mixed(a.data(), right.data(), count)).margin(1e-3));
    }
  }
}

TEST_CASE("extreme bytes do not overflow the widest vector") {
  const std::vector<std::int8_t> low(kWidthMax, -128);
  const std::vector<std::int8_t> high(kWidthMax, 127);
  for (const Kernels* kernels : UsableKernels()) {
    CAPTURE(kernels->name);
    CHECK(kernels->dot_int8(low.data(), low.data(), kWidthMax) == 16384 * 4096);
    CHECK(kernels->dot_int8(low.data(), high.data(), kWidthMax) == -16256 * 4096);
  }
}

TEST_CASE("a vector comes back as it was, within the rounding of its encoding") {
  std::mt19937_64 random(3);
  for (const Encoding encoding : {Encoding::kInt8, Encoding::kFloat}) {
    for (const std::uint32_t width : {1U, 3U, 64U, 512U, kWidthMax}) {
      const Codec codec(encoding, width);
      CHECK(codec.item_bytes() % 4 == 0);
      const Vector vector = RandomVector(random, width);
      std::vector<char> item(codec.item_bytes());
      REQUIRE(codec.Encode(vector, item.data()).ok());
      CHECK(codec.IsItem(item.data()));
      Vector back(width);
      codec.Decode(item.data(), back);
      CHECK(CosineOf(vector, back) > 0.9998F);
      CHECK(CosineOf(back, back) == Approx(1.0).margin(1e-4));
      CHECK(codec.Distance(item.data(), item.data()) == Approx(0).margin(1e-5));
      CHECK(codec.Similarity(vector, item.data()) == Approx(CosineOf(vector, back)).margin(1e-4));
    }
  }
}

TEST_CASE("what is no unit vector is refused") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<Vector> bad{{},
                                {1},
                                {1, 0, 0},
                                {1, 0, 0, 0, 0},
                                {0, 0, 0, 0},
                                {kNan, 0, 0, 1},
                                {kInfinity, 0, 0, 1},
                                {-kInfinity, 1, 0, 0},
                                {1e-40F, 0, 0, 0},
                                {1e30F, 0, 0, 0},
                                {3e38F, 3e38F, 0, 0},
                                {0.98F, 0, 0, 0},
                                {1.02F, 0, 0, 0},
                                {kNan, kNan, kNan, kNan},
                                {1, 1, 0, 0}};
  for (const Encoding encoding : {Encoding::kInt8, Encoding::kFloat}) {
    const Codec codec(encoding, 4);
    std::vector<char> item(codec.item_bytes());
    for (const Vector& vector : bad) {
      const base::Status status = codec.Encode(vector, item.data());
      REQUIRE_FALSE(status.ok());
      CHECK(status.error().code == base::Code::kBadRequest);
    }
    CHECK(codec.Encode(Vector{0.999F, 1e-40F, 0, 0}, item.data()).ok());
  }
}

TEST_CASE("bytes that no vector has are no item") {
  const Codec codec(Encoding::kInt8, 6);
  std::vector<char> item(codec.item_bytes());
  REQUIRE(codec.Encode(UnitVector({1, 2, 3, -4, 5, 6}), item.data()).ok());
  for (std::size_t i = 0; i < item.size(); ++i) {
    std::vector<char> changed = item;
    changed[i] = static_cast<char>(changed[i] ^ 0x40);
    CHECK_FALSE(codec.IsItem(changed.data()));
  }
  CHECK_FALSE(codec.IsItem(std::vector<char>(item.size()).data()));
}

TEST_CASE("the checksum is CRC-32C, whole or in parts") {
  const std::string digits = "123456789";
  CHECK(Crc32c(0, digits.data(), digits.size()) == 0xE3069283U);
  CHECK(Crc32c(Crc32c(0, digits.data(), 4), digits.data() + 4, 5) == 0xE3069283U);
  const std::array<char, 32> zeros{};
  CHECK(Crc32c(0, zeros.data(), zeros.size()) == 0x8A9136AAU);
}

}  // namespace reprise::vector
