// The table behind PositionalEmbedding: one for all layers that are alike, made when it is needed, growing without
// moving what is in use.

#include <gmock/gmock.h>

#include <barrier>
#include <set>
#include <thread>

#include "golden.hpp"
#include "xlayers/framework/parts/positional_encoding.hpp"
#include "xlayers/layers/positional_embedding.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define XL_ALLOCATIONS_CANNOT_FAIL
#endif

namespace xl {
namespace {

using namespace testing_golden;

using Rows = std::shared_ptr<const float[]>;

std::vector<float> encodings(std::int64_t length, std::int64_t d_model, std::int64_t start = 0) {
  std::vector<float> out(static_cast<std::size_t>(length * d_model));
  positional_encoding(out, {.start = start, .length = length, .d_model = d_model});
  return out;
}

bool equal(const float* rows, const std::vector<float>& expected) {
  return std::memcmp(rows, expected.data(), expected.size() * sizeof(float)) == 0;
}

TEST(PositionalTable, IsWhatACallGives) {
  const PositionalEmbedding layer({.max_len = 50, .d_model = 7});
  const Rows rows = layer.encoding(20);
  EXPECT_TRUE(equal(rows.get(), encodings(20, 7)));
  const Tensor y = layer(zeros({3, 20, 2}));
  EXPECT_EQ(std::memcmp(y.data(), rows.get(), y.size() * sizeof(float)), 0);
}

TEST(PositionalTable, IsSharedByLayersThatAreAlike) {
  const PositionalEmbedding::Options options{.max_len = 40, .d_model = 9};
  const PositionalEmbedding a(options), b(options), clone = PositionalEmbedding::from_config(a.get_config());
  EXPECT_EQ(a.encoding(40), b.encoding(40));
  EXPECT_EQ(a.encoding(3), clone.encoding(40));
  const PositionalEmbedding shorter({.max_len = 10, .d_model = 9, .merge_mode = "add"});
  EXPECT_EQ(a.encoding(40), shorter.encoding(10));
  for (const PositionalEmbedding::Options& other :
       {PositionalEmbedding::Options{.max_len = 40, .d_model = 10},
        PositionalEmbedding::Options{.max_len = 40, .d_model = 9, .layout = "halves"},
        PositionalEmbedding::Options{.max_len = 40, .d_model = 9, .max_wavelength = 100.0f}})
    EXPECT_NE(a.encoding(40), PositionalEmbedding(other).encoding(40));
}

TEST(PositionalTable, IsGoneWithTheLastThatUsesIt) {
  std::weak_ptr<const float[]> rows;
  {
    const PositionalEmbedding layer({.max_len = 40, .d_model = 11});
    rows = layer.encoding(40);
    EXPECT_FALSE(rows.expired());
  }
  EXPECT_TRUE(rows.expired());
}

TEST(PositionalTable, RowsStayWhereTheyAreWhileItGrows) {
  const PositionalEmbedding layer({.max_len = 30, .d_model = 16, .extrapolate = true});
  const Rows before = layer.encoding(30);
  EXPECT_EQ(layer.encoding(5), before);
  const std::vector<float> expected = encodings(5000, 16);
  const Rows after = layer.encoding(5000);
  EXPECT_NE(before, after);
  EXPECT_TRUE(equal(before.get(), encodings(30, 16)));
  EXPECT_TRUE(equal(after.get(), expected));
  EXPECT_EQ(layer.encoding(30), after);  // from now on
}

// The bits do not tell how a table came to its length.
TEST(PositionalTable, GrownIsTheSameBitsAsMadeAtOnce) {
  const std::vector<float> expected = encodings(9000, 24);
  const PositionalEmbedding layer({.max_len = 700, .d_model = 24, .extrapolate = true});
  for (const std::int64_t length : {3, 701, 1025, 2900, 6001, 9000})
    EXPECT_TRUE(equal(layer.encoding(length).get(), encodings(length, 24))) << length;
  EXPECT_TRUE(equal(layer.encoding(9000).get(), expected));
}

TEST(PositionalTable, EverLongerSequencesSeldomGrowIt) {
  const PositionalEmbedding layer({.max_len = 10, .d_model = 4, .extrapolate = true});
  std::vector<Rows> tables;  // kept, so that no address comes back
  for (std::int64_t length = 1; length <= 20'000; ++length) {
    Rows rows = layer.encoding(length);
    ASSERT_EQ(rows[4 * (length - 1) + 1], encodings(1, 4, length - 1)[1]);
    if (tables.empty() || tables.back() != rows) tables.push_back(std::move(rows));
  }
  EXPECT_LE(tables.size(), 13u);  // 10 * 2^11 is more than 20,000
}

TEST(PositionalTable, SixteenThreadsGrowAndReadIt) {
  constexpr int d_model = 12, threads = 16;
  constexpr std::int64_t longest = 6000;
  const std::vector<float> expected = encodings(longest, d_model);
  const PositionalEmbedding layer({.max_len = 5, .d_model = d_model, .extrapolate = true});
  std::barrier start(threads);
  std::vector<int> wrong(threads, 0);
  std::vector<std::thread> running;
  for (int thread = 0; thread < threads; ++thread)
    running.emplace_back([&, thread] {
      start.arrive_and_wait();
      std::vector<std::pair<Rows, std::int64_t>> held;
      for (int step = 0; step < 40; ++step) {
        const std::int64_t length = 1 + (step * 151 + thread * 67) % longest;
        if (step % 8 == 7) {
          const Tensor y = layer(zeros({1, length, 1}));
          wrong[thread] += std::memcmp(y.data(), expected.data(), y.size() * sizeof(float)) != 0;
        }
        held.emplace_back(layer.encoding(length), length);
        // Old tables too are right to the end.
        for (const auto& [rows, size] : held)
          wrong[thread] += std::memcmp(rows.get(), expected.data(), size * d_model * sizeof(float)) != 0;
      }
    });
  for (std::thread& thread : running) thread.join();
  EXPECT_THAT(wrong, testing::Each(0));
}

TEST(PositionalTable, StepsThatItCannotHaveAreErrors) {
  const PositionalEmbedding layer({.max_len = 30, .d_model = 4, .name = "pe"});
  EXPECT_EQ(error_of<ShapeError>([&] { layer.encoding(31); }),
            "[PositionalEmbedding 'pe'] expected at most max_len = 30 steps (extrapolate = true serves any number), "
            "got (None, 31)");
  EXPECT_EQ(error_of<ValueError>([&] { layer.encoding(-1); }),
            "[PositionalEmbedding 'pe'] expected a seq_len of 0 or more, got -1");
  const PositionalEmbedding any({.max_len = 30, .d_model = 4, .extrapolate = true, .name = "pe"});
  EXPECT_EQ(error_of<ShapeError>([&] { any.encoding((1 << 24) + 1); }),
            "[PositionalEmbedding 'pe'] expected at most 2^24 = 16777216 steps, got (None, 16777217)");
  EXPECT_THAT(error_of<ShapeError>([&] {
                any(zeros({1, (1 << 24) + 1}));
              }),
              testing::StartsWith("[PositionalEmbedding 'pe'] expected at most 2^24 = 16777216 steps, got"));
  EXPECT_EQ(error_of<ValueError>([] { PositionalEmbedding({.max_len = (1 << 24) + 1, .d_model = 4}); }),
            "[PositionalEmbedding] expected max_len of at most 2^24 = 16777216, got 16777217");
  EXPECT_EQ(error_of<ValueError>([] { PositionalEmbedding({.d_model = 4, .max_wavelength = 0.5f}); }),
            "[PositionalEmbedding] expected a max_wavelength from 1 to 1e30, got 0.5");
  EXPECT_EQ(layer.encoding(30)[1], 1.0f);  // still there
}

TEST(PositionalTable, ThatDoesNotFitInMemoryIsAnErrorWhenItIsNeeded) {
  const PositionalEmbedding layer({.max_len = 1 << 24, .d_model = 2'000'000'000, .name = "huge"});
  EXPECT_EQ(layer.clone().get_config(), layer.get_config());
#ifdef XL_ALLOCATIONS_CANNOT_FAIL
  GTEST_SKIP() << "the sanitizer ends the program instead";
#endif
  const char* text =
      "[PositionalEmbedding 'huge'] the table of 16777216 steps of d_model = 2000000000 floats, 128000000000 MiB, "
      "does not fit in memory";
  EXPECT_EQ(error_of<ValueError>([&] { layer.encoding(1); }), text);
  EXPECT_EQ(error_of<ValueError>([&] { layer(zeros({1, 2, 1})); }), text);
}

}  // namespace
}  // namespace xl
