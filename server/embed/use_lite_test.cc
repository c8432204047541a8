#include "server/embed/use_lite.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "server/embed/kernels.h"
#include "server/embed/test_support.h"

namespace reprise::embed {
namespace {

struct Golden {
  std::string text;
  std::vector<std::int32_t> pieces;
  std::vector<float> vector;
};

// What the reference made of some sentences; none, with a line that says so, when it is not here.
std::vector<Golden> Goldens() {
  std::ifstream file(EMBED_REFERENCE "/golden.jsonl");
  std::vector<Golden> goldens;
  for (std::string line; std::getline(file, line);) {
    const auto row = nlohmann::json::parse(line);
    goldens.push_back({row.at("text").get<std::string>(),
                       row.at("ids").get<std::vector<std::int32_t>>(),
                       row.at("vector").get<std::vector<float>>()});
  }
  if (goldens.empty()) {
    WARN("left out: no reference vectors in " EMBED_REFERENCE);
  }
  return goldens;
}

Vector VectorOf(const UseLite& model, std::string_view text) {
  auto vector = model.Embed(text);
  REQUIRE(vector.ok());
  return std::move(vector).value();
}

float LargestDifference(const Vector& a, const Vector& b) {
  REQUIRE(a.size() == b.size());
  float largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(a[i] - b[i]));
  }
  return largest;
}

TEST_CASE("text is cut into the pieces of the reference") {
  const auto model = OpenModel(Precision::kInt8);
  for (const Golden& golden : model == nullptr ? std::vector<Golden>() : Goldens()) {
    std::vector<std::int32_t> pieces;
    const auto tokens = model->Tokens(golden.text);
    REQUIRE(tokens.ok());
    for (const Token& token : tokens.value()) {
      pieces.push_back(token.piece);
    }
    INFO(golden.text);
    CHECK(pieces == golden.pieces);
  }
}

TEST_CASE("float weights give the vectors of the reference") {
  const auto model = OpenModel(Precision::kFloat);
  float worst = 0;
  for (const Golden& golden : model == nullptr ? std::vector<Golden>() : Goldens()) {
    worst = std::max(worst, LargestDifference(VectorOf(*model, golden.text), golden.vector));
  }
  INFO(worst);
  CHECK(worst <= 1e-5F);
}

TEST_CASE("int8 weights give vectors that point where the reference's do") {
  const auto model = OpenModel(Precision::kInt8);
  double least = 1;
  for (const Golden& golden : model == nullptr ? std::vector<Golden>() : Goldens()) {
    least = std::min(least, Cosine(VectorOf(*model, golden.text), golden.vector));
  }
  CAPTURE(least);
  CHECK(least >= 0.999);
}

TEST_CASE("the vector is the same to the bit on every processor") {
  for (const Precision precision : {Precision::kInt8, Precision::kFloat}) {
    const auto plain = OpenModel(precision, &kPlainKernel);
    if (plain == nullptr) {
      return;
    }
    for (const Kernel* kernel : UsableKernels()) {
      const auto model = OpenModel(precision, kernel);
      CHECK(model->Fingerprint() == plain->Fingerprint());
      for (const std::string_view text : {"Why is the sky blue?", "\u65e5 ok", "x"}) {
        INFO(kernel->name << " " << text);
        CHECK(VectorOf(*model, text) == VectorOf(*plain, text));
      }
    }
  }
}

TEST_CASE("the ways of computing are told apart by their fingerprints") {
  const auto int8 = OpenModel(Precision::kInt8);
  const auto floats = OpenModel(Precision::kFloat);
  if (int8 != nullptr) {
    CHECK(int8->Fingerprint() != floats->Fingerprint());
    CHECK(int8->Fingerprint().size() <= kFingerprintBytesMax);
    CHECK(int8->Name() == "use-lite");
    CHECK(int8->Width() == VectorOf(*int8, "x").size());
  }
}

TEST_CASE("tokens know their place in the text, and share the pass of the vector") {
  const auto model = OpenModel(Precision::kInt8);
  if (model == nullptr) {
    return;
  }
  const std::string_view text =
      "  Who founded  \uff21\uff50\uff50\uff4c\uff45, \U0001F600\U0001F600?";
  const auto result = model->EmbedTokens(text);
  REQUIRE(result.ok());
  const TokenVectors& vectors = result.value();
  CHECK(vectors.vector == VectorOf(*model, text));
  REQUIRE(vectors.context.size() == vectors.tokens.size() * kUseLiteWidth);
  REQUIRE(vectors.inputs.size() == vectors.tokens.size() * kUseLiteInputWidth);
  std::vector<std::string_view> words;
  std::size_t unknown = 0;
  for (const Token& token : vectors.tokens) {
    const std::string_view word = text.substr(token.begin, token.end - token.begin);
    if (!word.empty() && word != " ") {
      words.push_back(word);
    }
    unknown += token.piece == 0 ? 1 : 0;
  }
  CHECK(unknown == 1);
  CHECK(words == std::vector<std::string_view>{"Who", "found", "ed",
                                               "\uff21\uff50\uff50\uff4c\uff45", ",",
                                               "\U0001F600\U0001F600", "?"});
  double mean = 0;
  for (std::size_t i = 0; i < vectors.tokens.size(); ++i) {
    mean += double{vectors.context[i * kUseLiteWidth]};
  }
  CHECK(mean != 0);
}

TEST_CASE("any text has a vector of length 1, but for what is not UTF-8") {
  const auto model = OpenModel(Precision::kInt8);
  if (model == nullptr) {
    return;
  }
  for (const std::string& text :
       {std::string(), std::string(" "), std::string("\0", 1), std::string(100'000, 'a'),
        std::string(20'000, ' '), std::string("\u0301")}) {
    const Vector vector = VectorOf(*model, text);
    double squares = 0;
    for (const float value : vector) {
      squares += double{value} * value;
    }
    CHECK(squares == Approx(1.0).epsilon(1e-5));
  }
  const auto refused = model->Embed("abc\xff");
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == base::Code::kBadRequest);
}

TEST_CASE("what stands behind 128 tokens does not count") {
  const auto model = OpenModel(Precision::kInt8);
  if (model == nullptr) {
    return;
  }
  std::string text;
  for (std::size_t i = 0; i < kUseLiteTokensMax; ++i) {
    text += "word ";
  }
  CHECK(model->Tokens(text).value().size() == kUseLiteTokensMax);
  CHECK(VectorOf(*model, text + "more") == VectorOf(*model, text + "other things"));
  CHECK(VectorOf(*model, "more " + text) != VectorOf(*model, text));
}

TEST_CASE("threads share one model") {
  const auto model = OpenModel(Precision::kInt8);
  if (model == nullptr) {
    return;
  }
  const std::vector<std::string> texts{"one", "two words", "three of them here",
                                       "and a fourth one"};
  std::vector<Vector> expected;
  for (const std::string& text : texts) {
    expected.push_back(VectorOf(*model, text));
  }
  std::vector<std::size_t> wrong(texts.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int turn = 0; turn < 3; ++turn) {
        const auto vector = model->Embed(texts[i]);
        wrong[i] += vector.ok() && vector.value() == expected[i] ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(wrong == std::vector<std::size_t>(texts.size()));
}

}  // namespace
}  // namespace reprise::embed
