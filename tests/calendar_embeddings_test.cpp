// FixedEmbedding, TemporalEmbedding, DataEmbeddingWithoutPosition: what the table of layer cases does not ask.

#include <gmock/gmock.h>

#include "golden.hpp"
#include "xlayers/framework/engine/gradients.hpp"
#include "xlayers/layers/data_embedding_without_position.hpp"
#include "xlayers/layers/fixed_embedding.hpp"
#include "xlayers/layers/input.hpp"
#include "xlayers/layers/positional_embedding.hpp"
#include "xlayers/layers/temporal_embedding.hpp"
#include "xlayers/layers/token_embedding.hpp"
#include "xlayers/models/model/model.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::HasSubstr;

// ---- FixedEmbedding

TEST(FixedEmbedding, IsTheTableOfPositionalEmbedding) {
  for (const char* layout : {"interleaved", "halves"}) {
    const FixedEmbedding fixed({.n_features = 50, .d_model = 7, .layout = layout, .max_wavelength = 300.0f});
    const PositionalEmbedding positional({.max_len = 50, .d_model = 7, .layout = layout, .max_wavelength = 300.0f});
    IntTensor indices = IntTensor::from_shape({1, 50});
    for (int i = 0; i < 50; ++i) indices(0, i) = i;
    EXPECT_TRUE(same_bits(fixed(indices), positional(zeros({1, 50, 7}))));
  }
}

TEST(FixedEmbedding, TakesWholeNumbersOfEitherType) {
  const FixedEmbedding fixed({.n_features = 24, .d_model = 8, .name = "hours"});
  const IntTensor indices{{0, 23, 5}, {7, 7, 1}};
  const Tensor y = fixed(indices);
  EXPECT_EQ(shape(y), Shape({2, 3, 8}));
  EXPECT_TRUE(same_bits(fixed(Tensor{{0, 23, 5}, {7, 7, 1}}), y));
  EXPECT_EQ(error_of<ValueError>([&] {
              fixed(Tensor{{0.5f, 1.0f}});
            }),
            "[FixedEmbedding 'hours'] expected whole numbers of 32 bits as indices, got 0.5");
  EXPECT_THAT(error_of<ValueError>([&] { fixed(Tensor{{NAN, 1}}); }), HasSubstr("expected whole numbers"));
  EXPECT_THAT(error_of<ValueError>([&] { fixed(Tensor{{3e9f, 1}}); }), HasSubstr("expected whole numbers"));
}

TEST(FixedEmbedding, HasNoWeightsUnlessItsTableIsOne) {
  const FixedEmbedding plain({.n_features = 24, .d_model = 8});
  const FixedEmbedding counted({.n_features = 24, .d_model = 8, .table_as_weight = true});
  const IntTensor indices{{0, 23, 5}};
  EXPECT_TRUE(same_bits(plain(indices), counted(indices)));
  EXPECT_EQ(plain.count_params(), 0);
  EXPECT_EQ(counted.count_params(), 24 * 8);
  EXPECT_FALSE(counted.base().weights()[0]->trainable);
  counted.set_weights({drawn({24, 8}, 1)});
  EXPECT_FALSE(same_bits(plain(indices), counted(indices)));
}

TEST(FixedEmbedding, AnIndexOutsideTheTableIsAnErrorThatNamesBoth) {
  for (const bool table_as_weight : {false, true}) {
    const FixedEmbedding fixed({.n_features = 24, .d_model = 8, .table_as_weight = table_as_weight, .name = "hours"});
    const std::string text = " is not in its table of 24 rows: expected 0 to 23";
    EXPECT_EQ(error_of<ValueError>([&] { fixed(IntTensor{{3, 24}}); }), "[FixedEmbedding 'hours'] index 24" + text);
    EXPECT_EQ(error_of<ValueError>([&] { fixed(IntTensor{{-1, 3}}); }), "[FixedEmbedding 'hours'] index -1" + text);
    EXPECT_EQ(error_of<ValueError>([&] {
                fixed(Tensor{{2e9f, 1}});
              }),
              "[FixedEmbedding 'hours'] index 2000000000" + text);
    EXPECT_EQ(shape(fixed(IntTensor{{3, 23}})), Shape({1, 2, 8}));  // and nothing has changed
  }
}

TEST(FixedEmbedding, SaysWhatDoesNotFit) {
  EXPECT_EQ(error_of<ValueError>([] { FixedEmbedding({.n_features = 4}); }),
            "[FixedEmbedding] expected n_features and d_model of 1 or more, got 4 and 0");
  EXPECT_EQ(error_of<ValueError>([] { FixedEmbedding({.n_features = 20000000, .d_model = 1}); }),
            "[FixedEmbedding] expected n_features of at most 2^24 = 16777216, got 20000000");
  EXPECT_NO_THROW(FixedEmbedding({.n_features = 1 << 24, .d_model = 1}));
  EXPECT_EQ(error_of<ValueError>([] { FixedEmbedding({.n_features = 4, .d_model = 1, .layout = "turns"}); }),
            "[FixedEmbedding] unknown layout 'turns'; known are interleaved, halves");
  EXPECT_THAT(error_of<ValueError>([] {
                FixedEmbedding::from_config({{"vocab_size", 4}, {"d_model", 8}});
              }),
              HasSubstr("vocab_size"));
}

// ---- TemporalEmbedding

TEST(TemporalEmbedding, IsTheSumOfFixedEmbeddings) {
  const IntTensor mark{{{12, 31, 6, 23, 59, 0}, {0, 0, 0, 0, 0, 59}, {7, 14, 3, 12, 30, 1}}};
  const int sizes[] = {13, 32, 7, 24, 60, 60};
  const auto expect_sum = [&](const char* freq, std::size_t columns) {
    const TemporalEmbedding temporal({.d_model = 9, .freq = freq});
    Tensor sum = zeros({1, 3, 9});
    for (std::size_t k = 0; k < columns; ++k) {
      IntTensor column = IntTensor::from_shape({1, 3});
      for (int t = 0; t < 3; ++t) column(0, t) = mark(0, t, k);
      sum += FixedEmbedding({.n_features = sizes[k], .d_model = 9})(column);
    }
    const Tensor y = temporal(mark);
    EXPECT_LE(difference(y, std::vector<double>(sum.begin(), sum.end())), 1e-6) << freq;
    // Only the columns that it takes have to be there.
    IntTensor few = IntTensor::from_shape({1, 3, columns});
    for (int t = 0; t < 3; ++t)
      for (std::size_t k = 0; k < columns; ++k) few(0, t, k) = mark(0, t, k);
    EXPECT_TRUE(same_bits(temporal(few), y)) << freq;
    EXPECT_TRUE(same_bits(temporal(Tensor(xt::cast<float>(few))), y)) << freq;
    if (columns == 1) return;
    EXPECT_EQ(error_of<ShapeError>([&] {
                temporal(IntTensor(xt::zeros<std::int32_t>({1, 3, int(columns) - 1})));
              }),
              "[TemporalEmbedding '" + temporal.name() + "'] expected an input (batch, ..., " +
                  std::to_string(columns) + " or more columns), got (None, 3, " + std::to_string(columns - 1) + ")");
  };
  expect_sum("m", 1);
  expect_sum("w", 1);
  expect_sum("b", 3);
  expect_sum("d", 3);
  expect_sum("h", 4);
  expect_sum("t", 5);
  expect_sum("s", 6);
}

TEST(TemporalEmbedding, HasItsTablesAsWeightsInKerasOrder) {
  for (const char* embed_type : {"fixed", "learned"}) {
    const TemporalEmbedding temporal({.d_model = 4, .embed_type = embed_type, .freq = "t"});
    temporal.build({None, 10, 5});
    std::vector<Dim> rows;
    for (const Weight* weight : temporal.base().weights()) {
      rows.push_back(shape(weight->value)[0]);
      EXPECT_EQ(weight->trainable, std::string(embed_type) == "learned");
    }
    EXPECT_EQ(rows, (std::vector<Dim>{60, 24, 7, 32, 13}));
  }
  const TemporalEmbedding hourly({.d_model = 64});
  hourly.build({None, 10, 4});
  EXPECT_EQ(hourly.count_params(), (24 + 7 + 32 + 13) * 64);
}

TEST(TemporalEmbedding, ALearnedTableBeginsBetweenMinusAndPlusATwentieth) {
  const TemporalEmbedding temporal({.d_model = 64, .embed_type = "learned"});
  temporal.build({None, 10, 4});
  for (const Tensor& table : temporal.get_weights()) {
    double most = 0;
    for (float value : table) most = std::max(most, std::abs(static_cast<double>(value)));
    EXPECT_LE(most, 0.05);
    EXPECT_GE(most, 0.045);
  }
}

TEST(TemporalEmbedding, ANumberOutsideItsTableIsAnErrorThatNamesTheColumn) {
  const TemporalEmbedding temporal({.d_model = 4, .freq = "s", .minute_size = 4, .name = "calendar"});
  const char* const names[] = {"month", "day", "weekday", "hour", "minute", "second"};
  const int sizes[] = {13, 32, 7, 24, 4, 60};
  for (int k = 0; k < 6; ++k)
    for (const int index : {-1, sizes[k]}) {
      IntTensor mark = xt::zeros<std::int32_t>({2, 3, 6});
      mark(1, 2, k) = index;
      EXPECT_EQ(error_of<ValueError>([&] { temporal(mark); }),
                "[TemporalEmbedding 'calendar'] " + std::string(names[k]) + " " + std::to_string(index) +
                    " is not in its table of " + std::to_string(sizes[k]) + " rows: expected 0 to " +
                    std::to_string(sizes[k] - 1));
    }
}

TEST(TemporalEmbedding, SaysWhatDoesNotFit) {
  EXPECT_EQ(error_of<ValueError>([] { TemporalEmbedding({.d_model = 4, .embed_type = "frozen"}); }),
            "[TemporalEmbedding] unknown embed_type 'frozen'; known are fixed, learned");
  EXPECT_EQ(error_of<ValueError>([] { TemporalEmbedding({.d_model = 4, .freq = "y"}); }),
            "[TemporalEmbedding] unknown freq 'y'; known are s, t, h, d, b, w, m");
  EXPECT_EQ(error_of<ValueError>([] { TemporalEmbedding({.d_model = 4, .minute_size = 0}); }),
            "[TemporalEmbedding] expected d_model and minute_size of 1 or more, got 4 and 0");
}

// ---- DataEmbeddingWithoutPosition

IntTensor some_mark(std::int64_t batch, std::int64_t steps) {
  IntTensor mark = IntTensor::from_shape({static_cast<std::size_t>(batch), static_cast<std::size_t>(steps), 5});
  const int sizes[] = {13, 32, 7, 24, 60};
  int i = 0;
  for (std::int64_t b = 0; b < batch; ++b)
    for (std::int64_t t = 0; t < steps; ++t)
      for (int k = 0; k < 5; ++k) mark(b, t, k) = 17 * ++i % sizes[k];
  return mark;
}

TEST(DataEmbeddingWithoutPosition, WithAndWithoutAMark) {
  const DataEmbeddingWithoutPosition embedding({.c_in = 7, .d_model = 64});
  const Tensor x = drawn({3, 96, 7}, 1);
  const IntTensor mark = some_mark(3, 96);
  const Tensor y = embedding({x, mark});
  EXPECT_EQ(embedding.count_params(), 3 * 7 * 64 + 76 * 64);
  TokenEmbedding token({.c_in = 7, .d_model = 64});
  token.build({None, 96, 7});
  token.set_weights({embedding.get_weights()[0]});
  const Tensor sum = token(x) + TemporalEmbedding({.d_model = 64})(mark);
  EXPECT_LE(difference(y, std::vector<double>(sum.begin(), sum.end())), 1e-6);
  EXPECT_TRUE(same_bits(embedding(x), token(x)));
  EXPECT_EQ(embedding.count_params(), 3 * 7 * 64 + 76 * 64);
  EXPECT_TRUE(same_bits(embedding.clone()({x, mark}), y));
}

TEST(DataEmbeddingWithoutPosition, KeepsTheWeightsWithWhichItIsBuilt) {
  const DataEmbeddingWithoutPosition embedding({.c_in = 7, .d_model = 64, .embed_type = "learned", .name = "data"});
  const Tensor x = drawn({3, 96, 7}, 1);
  const auto input = Input({96, 7});
  const Model model(input, embedding(input));
  EXPECT_EQ(model.count_params(), 3 * 7 * 64);  // no mark, no tables
  const std::string text =
      "[DataEmbeddingWithoutPosition 'data'] was built without a mark, so it has no tables for one: call it with a "
      "mark "
      "first";
  EXPECT_EQ(error_of<ValueError>([&] { embedding({x, some_mark(3, 96)}); }), text);
  EXPECT_EQ(error_of<ValueError>([&] { embedding({input, Input({96, 5}, {.dtype = "int32"})}); }), text);
  EXPECT_EQ(embedding.count_params(), 3 * 7 * 64);
  model.set_weights(model.get_weights());
  EXPECT_TRUE(same_bits(embedding.clone()(x), embedding(x)));
}

TEST(DataEmbeddingWithoutPosition, DropsInTraining) {
  for (const float rate : {0.3f, 0.05f}) {
    const DataEmbeddingWithoutPosition embedding({.c_in = 8, .d_model = 96, .dropout = rate});
    const Data data{drawn({16, 50, 8}, 1), some_mark(16, 50)};
    const Tensor inference = embedding(data), training = embedding(data, {.training = true});
    std::size_t dropped = 0;
    for (std::size_t i = 0; i < training.size(); ++i) {
      dropped += training.data()[i] == 0;
      if (training.data()[i] != 0) {
        EXPECT_NEAR(training.data()[i], inference.data()[i] / (1 - rate), 1e-5);
      }
    }
    EXPECT_NEAR(static_cast<double>(dropped) / training.size(), rate, 0.01);
  }
}

TEST(DataEmbeddingWithoutPosition, TheTablesOfOneThatIsFrozenAreToo) {
  const DataEmbeddingWithoutPosition embedding({.c_in = 1, .d_model = 4, .embed_type = "learned", .trainable = false});
  const Data data{drawn({2, 5, 1}, 1), some_mark(2, 5)};
  embedding(data);
  EXPECT_EQ(embedding.get_weights().size(), 5);
  EXPECT_TRUE(gradients(embedding, data, {zeros({2, 5, 4})}).weights.empty());
}

TEST(DataEmbeddingWithoutPosition, SaysWhatDoesNotFit) {
  EXPECT_EQ(error_of<ValueError>([] { DataEmbeddingWithoutPosition({.c_in = 2, .d_model = 4, .dropout = 1.5f}); }),
            "[DataEmbeddingWithoutPosition] expected a dropout from 0 to 1, got 1.5");
  const DataEmbeddingWithoutPosition embedding({.c_in = 2, .d_model = 4, .name = "data"});
  const Tensor x = zeros({2, 6, 2});
  EXPECT_EQ(error_of<ShapeError>([&] {
              embedding({x, some_mark(2, 6), x});
            }),
            "[DataEmbeddingWithoutPosition 'data'] takes a series and, if there is one, its mark, got 3 inputs");
  EXPECT_EQ(error_of<ShapeError>([&] {
              embedding({x, some_mark(2, 5)});
            }),
            "[DataEmbeddingWithoutPosition 'data'] expected a mark (batch, steps, columns) for a series (None, 6, 2), "
            "got (None, 5, 5)");
  EXPECT_EQ(error_of<ShapeError>([&] {
              embedding(zeros({2, 6, 3}));
            }),
            "[DataEmbeddingWithoutPosition 'data'] expected an input (batch, steps, c_in = 2), got (None, 6, 3)");
  EXPECT_FALSE(embedding.built());
  IntTensor mark = some_mark(2, 6);
  mark(0, 0, 3) = 24;
  EXPECT_THAT(error_of<ValueError>([&] { embedding({x, mark}); }), HasSubstr("hour 24 is not in its table of 24 rows"));
}

}  // namespace
}  // namespace xl
