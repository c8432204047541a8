#include "server/cache/labels.h"

#include <catch2/catch.hpp>

namespace reprise::cache {
namespace {

const Label kDocs{LabelKind::kTag, "docs"};
const Label kNews{LabelKind::kTag, "news"};
const Label kFaq{LabelKind::kType, "faq"};
const Label kAll{LabelKind::kAll, ""};

TEST_CASE("a label voids what was stored before it was invalidated, and nothing after") {
  Labels labels;
  const LabelSet docs = labels.Add({kDocs, kFaq});
  const LabelSet news = labels.Add({kNews, kFaq});
  CHECK_FALSE(labels.IsVoid(docs, 1));
  CHECK(labels.Invalidate(kDocs, 10) == 0);
  CHECK(labels.IsVoid(docs, 9));
  CHECK_FALSE(labels.IsVoid(docs, 10));
  CHECK_FALSE(labels.IsVoid(news, 9));
  labels.Invalidate(kFaq, 20);
  CHECK(labels.IsVoid(news, 19));
  labels.Invalidate(kAll, 30);
  CHECK(labels.IsVoid(docs, 29));
  CHECK_FALSE(labels.IsVoid(docs, 30));
}

TEST_CASE("a tag and a type of the same name are two labels") {
  Labels labels;
  const LabelSet set = labels.Add({{LabelKind::kTag, "x"}});
  labels.Invalidate({LabelKind::kType, "x"}, 10);
  CHECK_FALSE(labels.IsVoid(set, 1));
}

TEST_CASE("counts are of entries that the label does not void yet") {
  Labels labels;
  const LabelSet first = labels.Add({kDocs});
  labels.Add({kDocs, kNews});
  CHECK(labels.Count(kDocs) == 2);
  CHECK(labels.Count(kAll) == 2);
  labels.Invalidate(kDocs, 10);
  CHECK(labels.Count(kDocs) == 0);
  CHECK(labels.Count(kNews) == 1);
  labels.Add({kDocs});
  CHECK(labels.Count(kDocs) == 1);
  labels.Remove(first, 1);
  CHECK(labels.Count(kDocs) == 1);
  CHECK(labels.Count({LabelKind::kTag, "unknown"}) == 0);
}

TEST_CASE("the same labels in any order and number are one set") {
  Labels labels;
  CHECK(labels.Add({kDocs, kNews}) == labels.Add({kNews, kDocs, kNews}));
  CHECK(labels.Count(kNews) == 2);
}

TEST_CASE("a taken back invalidation voids nothing") {
  Labels labels;
  const LabelSet set = labels.Add({kDocs});
  const Floor before = labels.Invalidate(kDocs, 10);
  labels.Restore(kDocs, before);
  CHECK_FALSE(labels.IsVoid(set, 1));
  CHECK_FALSE(labels.HasFloors());
  CHECK(labels.Count(kDocs) == 1);
}

TEST_CASE("labels without entries and floors are forgotten, and their places used again") {
  Labels labels;
  for (std::uint64_t id = 1; id < 1000; ++id) {
    const std::string name = "conversation-" + std::to_string(id);
    labels.Remove(labels.Add({{LabelKind::kTag, name}}), id);
  }
  CHECK(labels.Add({kDocs}) <= 1);
  labels.Invalidate({LabelKind::kTag, "gone"}, 10);
  CHECK(labels.DropFloors() ==
        std::vector<std::pair<LabelKind, std::string>>{{LabelKind::kTag, "gone"}});
  CHECK_FALSE(labels.HasFloors());
}

}  // namespace
}  // namespace reprise::cache
