#include "server/routing/neighbours.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "server/routing/arithmetic.h"
#include "storage/vector/kernels.h"

namespace reprise::routing {
namespace {

constexpr float kScale = 127.0F;

Place Unpacked(const PackedPlace& packed) {
  Place place{};
  for (std::size_t i = 0; i < kPlaceWidth; ++i) {
    place[i] = static_cast<float>(packed[i]) / kScale;
  }
  return place;
}

// The mean of some members, one unit long.
class Mean {
 public:
  void Add(const PackedPlace& place) {
    for (std::size_t i = 0; i < kPlaceWidth; ++i) {
      sums_[i] += place[i];
    }
  }
  Place Direction() const {
    double square = 0;
    for (const std::int64_t sum : sums_) {
      square += static_cast<double>(sum) * static_cast<double>(sum);
    }
    const double length = square > 0 ? std::sqrt(square) : 1;
    Place place{};
    for (std::size_t i = 0; i < kPlaceWidth; ++i) {
      place[i] = static_cast<float>(static_cast<double>(sums_[i]) / length);
    }
    return place;
  }

 private:
  std::array<std::int64_t, kPlaceWidth> sums_{};
};

}  // namespace

PackedPlace Packed(const Place& place) {
  PackedPlace packed{};
  for (std::size_t i = 0; i < kPlaceWidth; ++i) {
    packed[i] = static_cast<std::int8_t>(std::lround(std::clamp(place[i], -1.0F, 1.0F) * kScale));
  }
  return packed;
}

std::size_t Neighbours::NearestList(const PackedPlace& place) const {
  const Place asked = Unpacked(place);
  std::size_t nearest = 0;
  float best = -2;
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    const float similarity = Dot(asked.data(), lists_[i].centre.data(), kPlaceWidth);
    if (similarity > best) {
      best = similarity;
      nearest = i;
    }
  }
  return nearest;
}

void Neighbours::Append(std::uint32_t list, std::uint32_t slot, const PackedPlace& place) {
  if (slot >= homes_.size()) {
    homes_.resize(slot + 1);
  }
  homes_[slot] = {list, static_cast<std::uint32_t>(lists_[list].slots.size())};
  lists_[list].places.push_back(place);
  lists_[list].slots.push_back(slot);
}

void Neighbours::Add(std::uint32_t slot, const PackedPlace& place) {
  if (lists_.empty()) {
    lists_.emplace_back();
    lists_.back().centre = Unpacked(place);
  }
  const auto list = static_cast<std::uint32_t>(NearestList(place));
  Append(list, slot, place);
  ++size_;
  if (lists_[list].slots.size() > kListMax) {
    Split(list);
  }
}

// Two-means from two members that are far apart. Equal members go half and half: they could not be
// told apart, and a list must end.
void Neighbours::Split(std::uint32_t list) {
  constexpr int kRounds = 6;
  List all = std::exchange(lists_[list], {});
  const vector::Kernels& kernels = vector::BestKernels();
  const auto far_from = [&](const PackedPlace& place) {
    return *std::min_element(all.places.begin(), all.places.end(),
                             [&](const PackedPlace& a, const PackedPlace& b) {
                               return kernels.dot_int8(a.data(), place.data(), kPlaceWidth) <
                                      kernels.dot_int8(b.data(), place.data(), kPlaceWidth);
                             });
  };
  const PackedPlace one = far_from(all.places.front());
  std::array<Place, 2> centres{Unpacked(one), Unpacked(far_from(one))};
  std::vector<bool> second(all.places.size());
  for (int round = 0; round < kRounds; ++round) {
    std::array<Mean, 2> means;
    for (std::size_t i = 0; i < all.places.size(); ++i) {
      const Place place = Unpacked(all.places[i]);
      const float gap = Dot(place.data(), centres[1].data(), kPlaceWidth) -
                        Dot(place.data(), centres[0].data(), kPlaceWidth);
      second[i] = gap == 0 ? i % 2 == 1 : gap > 0;
      means[second[i] ? 1 : 0].Add(all.places[i]);
    }
    centres = {means[0].Direction(), means[1].Direction()};
  }
  const auto other = static_cast<std::uint32_t>(lists_.size());
  lists_.emplace_back();
  lists_[list].centre = centres[0];
  lists_[other].centre = centres[1];
  for (std::size_t i = 0; i < all.places.size(); ++i) {
    Append(second[i] ? other : list, all.slots[i], all.places[i]);
  }
  for (const std::uint32_t half : {other, list}) {
    if (lists_[half].slots.empty()) {
      DropList(half);
    }
  }
}

void Neighbours::Remove(std::uint32_t slot) {
  if (slot >= homes_.size() || homes_[slot].list == kNowhere) {
    return;
  }
  const Home home = std::exchange(homes_[slot], {});
  List& list = lists_[home.list];
  list.places[home.position] = list.places.back();
  list.slots[home.position] = list.slots.back();
  if (list.slots[home.position] != slot) {
    homes_[list.slots[home.position]].position = home.position;
  }
  list.places.pop_back();
  list.slots.pop_back();
  --size_;
  if (list.slots.empty()) {
    DropList(home.list);
  }
}

void Neighbours::DropList(std::uint32_t list) {
  if (list + 1 != lists_.size()) {
    lists_[list] = std::move(lists_.back());
    for (const std::uint32_t slot : lists_[list].slots) {
      homes_[slot].list = list;
    }
  }
  lists_.pop_back();
}

void Neighbours::Search(const PackedPlace& place, std::size_t count,
                        std::vector<Neighbour>& nearest) const {
  nearest.clear();
  const Place asked = Unpacked(place);
  std::vector<std::pair<float, std::uint32_t>> order;
  order.reserve(lists_.size());
  for (std::uint32_t i = 0; i < lists_.size(); ++i) {
    order.emplace_back(-Dot(asked.data(), lists_[i].centre.data(), kPlaceWidth), i);
  }
  const bool all = size_ <= kScannedMax;
  if (!all) {
    std::sort(order.begin(), order.end());
  }
  const vector::Kernels& kernels = vector::BestKernels();
  nearest.reserve(std::min(size_, kScannedMax));
  for (const auto& [distance, number] : order) {
    const List& list = lists_[number];
    if (!nearest.empty() && nearest.size() + list.slots.size() > kScannedMax) {
      break;
    }
    for (std::size_t i = 0; i < list.slots.size(); ++i) {
      const std::int32_t product =
          kernels.dot_int8(place.data(), list.places[i].data(), kPlaceWidth);
      nearest.push_back({list.slots[i], static_cast<float>(product) / (kScale * kScale)});
    }
  }
  if (nearest.size() > count) {
    std::nth_element(
        nearest.begin(), nearest.begin() + static_cast<std::ptrdiff_t>(count), nearest.end(),
        [](const Neighbour& a, const Neighbour& b) { return a.similarity > b.similarity; });
    nearest.resize(count);
  }
}

std::size_t Neighbours::bytes() const {
  return size_ * (sizeof(PackedPlace) + sizeof(std::uint32_t)) + lists_.size() * sizeof(List) +
         homes_.size() * sizeof(Home);
}

}  // namespace reprise::routing
