// Embedding: what is not in the table, which inputs it takes, and what is trained.

#include "xlayers/layers/embedding.hpp"

#include <gmock/gmock.h>

#include "golden.hpp"
#include "xlayers/framework/engine/gradients.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/input.hpp"
#include "xlayers/models/model/model.hpp"

namespace xl {
namespace {

using namespace testing_golden;

IntTensor indices(std::initializer_list<std::initializer_list<int>> rows) {
  IntTensor x = IntTensor::from_shape({rows.size(), rows.begin()->size()});
  auto to = x.begin();
  for (const auto& row : rows) to = std::copy(row.begin(), row.end(), to);
  return x;
}

TEST(Embedding, AnIndexThatIsNotInTheTableIsAnError) {
  const Embedding layer({.input_dim = 5, .output_dim = 2, .name = "words"});
  EXPECT_EQ(error_of<ValueError>([&] {
              layer(indices({{0, 5}}));
            }),
            "[Embedding 'words'] index 5 is not in the table of input_dim = 5 rows");
  EXPECT_EQ(error_of<ValueError>([&] {
              layer(indices({{-6}, {0}}));
            }),
            "[Embedding 'words'] index -6 is not in the table of input_dim = 5 rows");
  EXPECT_EQ(error_of<ValueError>([&] {
              layer(Tensor{{1.0f, 5.5f}});
            }),
            "[Embedding 'words'] index 5 is not in the table of input_dim = 5 rows");
  EXPECT_EQ(error_of<ValueError>([&] {
              layer(Tensor{{NAN, 0.0f}});
            }),
            "[Embedding 'words'] expected an index of 32 bits, got NaN");
  EXPECT_EQ(error_of<ValueError>([&] {
              layer(Tensor{{3e9f, 0.0f}});
            }),
            "[Embedding 'words'] expected an index of 32 bits, got 3000000000.0");
  // And nothing has changed.
  EXPECT_EQ(shape(layer(indices({{0, 4}, {-1, -5}}))), Shape({2, 2, 2}));
}

TEST(Embedding, AnErrorInTrainingLeavesTheWeights) {
  const SymbolicTensor x = Input({3}, {.dtype = "int32"});
  Model model(x, Dense({.units = 1})(Embedding({.input_dim = 5, .output_dim = 2})(x)));
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const std::vector<Tensor> before = model.get_weights();
  EXPECT_NE(error_of<ValueError>([&] {
              model.train_on_batch(indices({{0, 1, 2}, {3, 4, 5}}), zeros({2, 3, 1}));
            }),
            "no error");
  EXPECT_TRUE(same_bits(model.get_weights(), before));
  model.train_on_batch(indices({{0, 1, 2}, {3, 4, 4}}), drawn({2, 3, 1}, 1));
  EXPECT_FALSE(same_bits(model.get_weights(), before));
}

TEST(Embedding, CountsFromTheEndAndTruncates) {
  const Embedding layer({.input_dim = 4, .output_dim = 3});
  const Tensor y = layer(indices({{3, 0, 1}}));
  EXPECT_EQ(layer(indices({{-1, -4, -3}})), y);
  EXPECT_EQ(layer(Tensor{{3.75f, -0.5f, 1.0f}}), y);
}

TEST(Embedding, ARowThatComesTwiceGetsBothGradients) {
  const Embedding layer({.input_dim = 4, .output_dim = 2});
  layer(indices({{0}}));
  Tensor dy{{{1, 2}, {10, 20}, {100, 200}}, {{1000, 2000}, {10000, 20000}, {100000, 200000}}};
  const Gradients found = gradients(layer, indices({{2, 0, 2}, {-2, 1, 2}}), dy);
  EXPECT_EQ(found.weights[0], (Tensor{{10, 20}, {10000, 20000}, {101101, 202202}, {0, 0}}));
}

TEST(Embedding, MasksItsOwnInputNotThatOfAnother) {
  const Embedding with({.input_dim = 4, .output_dim = 3, .mask_zero = true}),
      without({.input_dim = 4, .output_dim = 3});
  const SymbolicTensor x = Input({5}, {.dtype = "int32"});
  ASSERT_TRUE(with(x).mask().has_value());
  EXPECT_EQ(with(x).mask()->shape(), Shape({None, 5}));
  EXPECT_FALSE(without(x).mask().has_value());
}

TEST(Embedding, Errors) {
  EXPECT_EQ(error_of<ValueError>([] { Embedding({.output_dim = 3, .name = "e"}); }),
            "[Embedding 'e'] expected input_dim and output_dim of 1 or more, got 0 and 3");
  EXPECT_EQ(error_of<ValueError>([] { Embedding({.input_dim = 3}); }),
            "[Embedding] expected input_dim and output_dim of 1 or more, got 3 and 0");
  const Embedding layer({.input_dim = 3, .output_dim = 2, .name = "e"});
  EXPECT_EQ(error_of<ShapeError>([&] {
              layer({zeros({2, 3}), zeros({2, 3})});
            }),
            "[Embedding 'e'] takes one input, got 2");
  EXPECT_EQ(error_of<ShapeError>([&] {
              layer(zeros({1, 1, 1, 1, 1, 1, 1, 1}));
            }),
            "[Embedding 'e'] expected an input of 1 to 7 axes (batch axis included), got (None, 1, 1, 1, 1, 1, 1, 1)");
  // Keras writes this key; what it says is not done here.
  EXPECT_NO_THROW(Embedding::from_config({{"input_dim", 3}, {"output_dim", 2}, {"quantization_config", nullptr}}));
}

}  // namespace
}  // namespace xl
