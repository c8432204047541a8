#include "server/embed/embeddings_json.h"

#include <array>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

namespace reprise::embed {
namespace {

std::string Refusal(std::string_view body) {
  const auto vectors = ReadEmbeddings(body, {2, 2});
  REQUIRE(!vectors.ok());
  CHECK(vectors.error().code == base::Code::kUnavailable);
  return vectors.error().detail;
}

TEST_CASE("the request names the model and has the texts as they are") {
  const std::array<std::string_view, 2> texts{"say \"hi\"\n", "\u65e5\u672c"};
  CHECK(EmbeddingsRequest("small", texts) ==
        R"({"model":"small","input":["say \"hi\"\n","日本"],"encoding_format":"float"})");
}

TEST_CASE("vectors come in the order of the texts, with length 1") {
  const auto vectors = ReadEmbeddings(
      R"({"object":"list","data":[{"index":1,"embedding":[0,-2]},{"index":0,"embedding":[3,4]}],"usage":{}})",
      {2, 2});
  REQUIRE(vectors.ok());
  CHECK(vectors.value()[0][0] == Approx(0.6));
  CHECK(vectors.value()[0][1] == Approx(0.8));
  CHECK(vectors.value()[1] == Vector{0, -1});
}

TEST_CASE("without numbers the order of the answer counts") {
  const auto vectors =
      ReadEmbeddings(R"({"data":[{"embedding":[1,0]},{"embedding":[0,1]}]})", {2, 2});
  REQUIRE(vectors.ok());
  CHECK(vectors.value()[1] == Vector{0, 1});
}

TEST_CASE("an answer that is not what was asked for is refused, and says how") {
  CHECK(Refusal(R"({"data":[{"ind)").find("no JSON") != std::string::npos);
  CHECK(Refusal(R"({"error":{"message":"x"}})").find("one embedding for each") !=
        std::string::npos);
  CHECK(Refusal(R"({"data":[{"embedding":[1,0]}]})").find("one embedding for each") !=
        std::string::npos);
  CHECK(Refusal(R"({"data":[{"index":0,"embedding":[1,0]},{"index":0,"embedding":[1,0]}]})")
            .find("numbered") != std::string::npos);
  CHECK(Refusal(R"({"data":[{"index":0,"embedding":[1,0]},{"index":2,"embedding":[1,0]}]})")
            .find("numbered") != std::string::npos);
  CHECK(Refusal(R"({"data":[{"embedding":[1,0,0]},{"embedding":[1,0]}]})").find("3 numbers, 2") !=
        std::string::npos);
  CHECK(Refusal(R"({"data":[{"embedding":[1,"x"]},{"embedding":[1,0]}]})").find("no number") !=
        std::string::npos);
  CHECK(Refusal(R"({"data":[{"embedding":[0,0]},{"embedding":[1,0]}]})").find("direction") !=
        std::string::npos);
  CHECK(Refusal(R"({"data":[{"embedding":"AAAA"},{"embedding":[1,0]}]})").find("no array") !=
        std::string::npos);
  CHECK(Refusal(R"({"data":[{"embedding":[NaN,0]},{"embedding":[1,0]}]})").find("no JSON") !=
        std::string::npos);
  CHECK(
      Refusal(R"({"data":[{"embedding":[1e200,1e200]},{"embedding":[1,0]}]})").find("direction") !=
      std::string::npos);
}

}  // namespace
}  // namespace reprise::embed
