// Random numbers: the known answers, the same bits everywhere, the distributions.

#include "xlayers/framework/base/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <thread>
#include <vector>

#include "xlayers/framework/base/errors.hpp"

namespace {

using xl::Purpose;
using xl::Random;

// The known-answer tests of the Random123 library (kat_vectors, philox4x32 with 10 rounds).
TEST(Philox, KnownAnswers) {
  using Counter = std::array<std::uint32_t, 4>;
  EXPECT_EQ(xl::philox4x32({0, 0, 0, 0}, {0, 0}), (Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(xl::philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(xl::philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, TheSameBitsOnEveryPlatform) {
  const Random random(42, 7);
  EXPECT_EQ(random.bits32(5), 0x600f6196);
  EXPECT_EQ(random.bits64(2), 0x600f6196e5dde940);
  EXPECT_EQ(random.bits64(2), random.bits32(4) | std::uint64_t{random.bits32(5)} << 32);
  const float uniform[] = {0.40598196f, 0.89581394f, 0.42380965f, 0.33379507f, 0.89791733f, 0.37523466f};
  const float normal[] = {-0.2378932f, 1.2580546f, -0.19215688f, -0.4294576f, 1.2697735f, -0.3180205f};
  const float truncated[] = {-0.22687669f, 1.1640807f, -0.18331268f, -0.4087611f, 1.1740475f, -0.3030876f};
  for (std::uint64_t i = 0; i < 6; ++i) {
    EXPECT_EQ(random.uniform(i), uniform[i]);
    EXPECT_EQ(random.normal(i), normal[i]);
    EXPECT_EQ(random.truncated_normal(i), truncated[i]);
  }
  EXPECT_EQ(random.below(1000, 0), 895u);
  EXPECT_EQ(random.below(0xfedcba9876543210, 1), 6130066779818608392u);
  std::vector<std::int64_t> order(10);
  random.permutation(order);
  EXPECT_EQ(order, (std::vector<std::int64_t>{2, 6, 9, 0, 5, 4, 3, 7, 1, 8}));
}

/// The largest distance between the shares of numbers below x and the distribution function.
template <class Distribution>
double kolmogorov_smirnov(std::vector<float> numbers, Distribution distribution) {
  std::sort(numbers.begin(), numbers.end());
  const double n = static_cast<double>(numbers.size());
  double largest = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const double p = distribution(numbers[i]);
    largest = std::max({largest, std::abs(p - i / n), std::abs((i + 1) / n - p)});
  }
  return largest * std::sqrt(n);  // above 1.95 once in a thousand
}

double phi(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

struct Moments {
  double mean = 0, variance = 0;
  explicit Moments(const std::vector<float>& numbers) {
    for (const float x : numbers) mean += x / numbers.size();
    for (const float x : numbers) variance += (x - mean) * (x - mean) / numbers.size();
  }
};

constexpr std::size_t many = 200000;

TEST(Random, UniformNumbers) {
  std::vector<float> numbers(many);
  Random(1).fill_uniform(numbers);
  EXPECT_GE(*std::min_element(numbers.begin(), numbers.end()), 0.0f);
  EXPECT_LT(*std::max_element(numbers.begin(), numbers.end()), 1.0f);
  EXPECT_LT(kolmogorov_smirnov(numbers, [](double x) { return x; }), 1.95);
  const Moments moments(numbers);
  EXPECT_NEAR(moments.mean, 0.5, 0.003);
  EXPECT_NEAR(moments.variance, 1.0 / 12, 0.001);
  double lagged = 0;
  for (std::size_t i = 1; i < many; ++i) lagged += (numbers[i] - 0.5) * (numbers[i - 1] - 0.5) * 12 / many;
  EXPECT_NEAR(lagged, 0, 0.01);

  Random(1).fill_uniform(numbers, -3, 0.5f);
  EXPECT_LT(kolmogorov_smirnov(numbers, [](double x) { return (x + 3) / 3.5; }), 1.95);
  // An interval so narrow that rounding would reach its end.
  Random(1).fill_uniform(numbers, 1.0f, std::nextafter(1.0f, 2.0f));
  EXPECT_EQ(*std::max_element(numbers.begin(), numbers.end()), 1.0f);
}

TEST(Random, NormalNumbers) {
  std::vector<float> numbers(many);
  Random(2).fill_normal(numbers);
  EXPECT_LT(kolmogorov_smirnov(numbers, phi), 1.95);
  const Moments moments(numbers);
  EXPECT_NEAR(moments.mean, 0, 0.01);
  EXPECT_NEAR(moments.variance, 1, 0.015);
  EXPECT_GT(*std::max_element(numbers.begin(), numbers.end()), 3.8f);

  Random(2).fill_normal(numbers, 10, 0.5f);
  EXPECT_LT(kolmogorov_smirnov(numbers, [](double x) { return phi((x - 10) / 0.5); }), 1.95);
}

// Also in the tails: the bits say which probability belongs to a number.
TEST(Random, NormalNumbersAreQuantiles) {
  const Random random(3);
  for (std::uint64_t i = 0; i < 100000; ++i) {
    const double p = (random.bits32(i) + 0.5) * 0x1p-32;
    const double x = random.normal(i);
    const double near_zero = p < 0.5 ? p : 1 - p;
    // A float's rounding moves x by up to 2^-24 |x|; density / probability is below 1 + |x|.
    const double rounding = 0x1p-24 * std::abs(x) * (1 + std::abs(x)) + 1e-12;
    EXPECT_NEAR(phi(-std::abs(x)) / near_zero, 1, rounding) << p;
    EXPECT_EQ(x < 0, p < 0.5);
  }
}

TEST(Random, TruncatedNormalNumbers) {
  std::vector<float> numbers(many);
  Random(4).fill_truncated_normal(numbers);
  EXPECT_GE(*std::min_element(numbers.begin(), numbers.end()), -2.0f);
  EXPECT_LE(*std::max_element(numbers.begin(), numbers.end()), 2.0f);
  const double low = phi(-2), width = phi(2) - phi(-2);
  EXPECT_LT(kolmogorov_smirnov(numbers, [&](double x) { return (phi(x) - low) / width; }), 1.95);
  EXPECT_NEAR(std::sqrt(Moments(numbers).variance), 0.87962566, 0.005);
}

TEST(Random, IntegersBelow) {
  constexpr std::size_t n = 7;
  std::array<int, n> counts{};
  const Random random(5);
  for (std::uint64_t i = 0; i < 70000; ++i) {
    const std::uint64_t k = random.below(n, i);
    ASSERT_LT(k, n);
    ++counts[k];
  }
  for (const int count : counts) EXPECT_NEAR(count, 10000, 400);
  EXPECT_EQ(random.below(1, 3), 0u);
  EXPECT_THROW(random.below(0, 3), xl::ValueError);
}

TEST(Random, AnyPartIsThePartOfTheWhole) {
  const Random random(6, 1);
  std::vector<float> whole(1000), parts(1000);
  const auto check = [&](auto fill) {
    fill(std::span<float>(whole), 17);
    std::vector<std::thread> threads;
    for (const auto& [begin, end] : {std::pair{0, 1}, {1, 333}, {333, 335}, {335, 1000}})
      threads.emplace_back(
          [&, begin = begin, end = end] { fill(std::span<float>(parts).subspan(begin, end - begin), 17 + begin); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(whole, parts);
  };
  check([&](auto out, std::uint64_t first) { random.fill_uniform(out, 0, 1, first); });
  check([&](auto out, std::uint64_t first) { random.fill_normal(out, 0, 1, first); });
  check([&](auto out, std::uint64_t first) { random.fill_truncated_normal(out, 0, 1, first); });
  EXPECT_EQ(whole[100], random.truncated_normal(117));
}

TEST(Random, SeedsStreamsAndPurposesDiffer) {
  std::set<std::uint64_t> first;
  for (std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 32}) {
    first.insert(Random(seed).bits64(0));
    first.insert(Random(seed, 1).bits64(0));
    for (Purpose purpose : {Purpose::initialization, Purpose::shuffle, Purpose::dropout})
      for (std::uint64_t step : {0, 1}) first.insert(Random(seed, purpose, step).bits64(0));
  }
  EXPECT_EQ(first.size(), 3u * 8);
}

TEST(Random, Permutations) {
  std::array<int, 6> counts{};
  std::vector<std::int64_t> order(3);
  for (std::uint64_t step = 0; step < 6000; ++step) {
    Random(9, Purpose::shuffle, step).permutation(order);
    std::vector<std::int64_t> rest{0, 1, 2};
    int number = 0;
    while (rest != order) {
      std::next_permutation(rest.begin(), rest.end());
      ASSERT_LT(++number, 6);
    }
    ++counts[number];
  }
  for (const int count : counts) EXPECT_NEAR(count, 1000, 120);
  std::vector<std::int64_t> none;
  Random(9).permutation(none);
}

TEST(Random, TheGlobalSeedMakesEverythingRepeatable) {
  xl::set_random_seed(1234);
  std::vector<std::uint64_t> first;
  for (int i = 0; i < 10; ++i) first.push_back(xl::next_seed());
  EXPECT_EQ(std::set<std::uint64_t>(first.begin(), first.end()).size(), 10u);
  for (const std::uint64_t seed : first) EXPECT_EQ(seed >> 63, 0u);
  xl::set_random_seed(1234);
  for (const std::uint64_t seed : first) EXPECT_EQ(xl::next_seed(), seed);
  xl::set_random_seed(1235);
  EXPECT_NE(xl::next_seed(), first[0]);
}

TEST(Random, SeveralThreadsGetDifferentSeeds) {
  xl::set_random_seed(1);
  std::vector<std::vector<std::uint64_t>> seeds(4);
  std::vector<std::thread> threads;
  for (auto& mine : seeds)
    threads.emplace_back([&mine] {
      for (int i = 0; i < 1000; ++i) mine.push_back(xl::next_seed());
    });
  for (std::thread& thread : threads) thread.join();
  std::set<std::uint64_t> all;
  for (const auto& some : seeds) all.insert(some.begin(), some.end());
  EXPECT_EQ(all.size(), 4000u);
}

}  // namespace
