// The table of layer cases: every row goes through every test of this file.

#include "xlayers/framework/graph/layer.hpp"

#include <gmock/gmock.h>

#include <set>
#include <thread>

#include "golden.hpp"
#include "layer_cases.hpp"
#include "xlayers/framework/engine/eager.hpp"
#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/framework/parts/positional_encoding.hpp"
#include "xlayers/layers/input.hpp"
#include "xlayers/layers/positional_embedding.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
using testing_layers::Case;
using testing_layers::cases;
using testing_layers::LayerTable;
using testing_layers::name_of_row;
using testing_layers::rows;

// Each row of the table goes through each of these; the tests of the others are of rows that Keras has values or masks for.
class KerasTable : public LayerTable {};
class MaskTable : public LayerTable {};

INSTANTIATE_TEST_SUITE_P(, LayerTable, rows(), name_of_row);
INSTANTIATE_TEST_SUITE_P(, KerasTable, rows([](const Case& one) { return one.golden != nullptr; }), name_of_row);
INSTANTIATE_TEST_SUITE_P(, MaskTable, rows([](const Case& one) {
                           return one.golden != nullptr && one.golden->contains("output_masks");
                         }),
                         name_of_row);

// Has a layer an output for every sample, or one for all?
bool batched(const Case& one, const Layer& layer) {
  const SymbolicTensors outputs = layer.call(one.symbolic(), one.options.arguments);
  return std::all_of(outputs.begin(), outputs.end(), [](const SymbolicTensor& y) { return y.spec().batched; });
}

TEST(TableOfLayers, HasRowsOfEveryLayerAndKerasData) {
  std::map<std::string, int> rows;
  int with_golden_data = 0;
  for (const Case& one : cases()) {
    ++rows[one.object.at("class_name").as_string()];
    with_golden_data += one.golden != nullptr;
  }
  EXPECT_GE(with_golden_data, 717);
  for (const char* name : {"Activation",
                           "Add",
                           "Average",
                           "Concatenate",
                           "Conv1D",
                           "DataEmbeddingWithoutPosition",
                           "Dense",
                           "Dropout",
                           "Embedding",
                           "FixedEmbedding",
                           "Flatten",
                           "GlobalAveragePooling1D",
                           "GlobalMaxPooling1D",
                           "LayerNormalization",
                           "LeakyReLU",
                           "Maximum",
                           "Minimum",
                           "MovingAverage",
                           "MultiHeadAttention",
                           "Multiply",
                           "Permute",
                           "PositionEmbedding",
                           "PositionalEmbedding",
                           "RMSNormalization",
                           "ReLU",
                           "Reshape",
                           "ReversibleInstanceNorm",
                           "RotaryEmbedding",
                           "SeriesDecomposition",
                           "SinePositionEncoding",
                           "Softmax",
                           "Subtract",
                           "TemporalEmbedding",
                           "TokenEmbedding",
                           "TransformerBlock",
                           "TransformerEncoder"})
    EXPECT_GE(rows[name], 2) << name;
}

// ---- shapes ---------------------------------------------------------------------------------------------

TEST_P(LayerTable, InferredShapeIsTheComputedOne) {
  const Layer layer = one.layer();
  const std::vector<Tensor> computed = one.outputs(layer);
  const SymbolicTensors inferred = layer.call(one.symbolic(), one.options.arguments);
  ASSERT_EQ(inferred.size(), computed.size());
  for (std::size_t i = 0; i < computed.size(); ++i) {
    const SymbolicTensor& y = inferred[i];
    EXPECT_EQ(y.shape().sample(), shape(computed[i]).sample());
    EXPECT_EQ(y.shape()[0], y.spec().batched ? None : 1);
    EXPECT_EQ(shape(computed[i])[0], y.spec().batched ? one.inputs[0].shape()[0] : 1);
  }
}

// Also where the number of steps is not known yet. A model's weights may be built for known shapes only, and so may a
// layer whose weights or shapes hang on the steps.
TEST_P(LayerTable, InferredShapeOfOpenStepsFitsTheComputedOne) {
  const Layer layer = one.layer();
  if (layer.class_name() == "Sequential" || layer.class_name() == "Functional") return;
  SymbolicTensors inferred;
  try {
    inferred = layer.call(one.symbolic(true), one.options.arguments);
  } catch (const ShapeError&) {
    return;
  }
  const std::vector<Tensor> computed = one.outputs(layer);
  for (std::size_t i = 0; i < computed.size(); ++i)
    EXPECT_TRUE(inferred[i].shape().sample().compatible(shape(computed[i]).sample())) << inferred[i].shape();
}

// ---- values and gradients, against Keras ----------------------------------------------------------------

// Off by at most 1e-6 of the largest value of the tensor, or by 1e-6 if that is below 1.
TEST_P(KerasTable, ValuesAreThoseOfKeras) {
  const std::vector<Tensor> outputs = one.outputs(one.layer());
  const Json& truths = one.golden->at("outputs");
  ASSERT_EQ(outputs.size(), truths.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    EXPECT_EQ(shape(outputs[i]), shape(tensor(truths[i])));
    EXPECT_LE(difference(outputs[i], numbers(truths[i])), 1e-6 * std::max(1.0, largest(numbers(truths[i]))))
        << "output " << i;
  }
}

TEST_P(MaskTable, MasksTravelAsInKeras) {
  const Layer layer = one.layer();
  const SymbolicTensors inputs = one.symbolic();
  const SymbolicTensors outputs = layer.call(inputs, one.options.arguments);
  const Json& truths = one.golden->at("output_masks");
  ASSERT_EQ(outputs.size(), truths.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::optional<SymbolicTensor> mask = outputs[i].mask();
    ASSERT_EQ(mask.has_value(), !truths[i].is_null()) << "output " << i;
    if (!mask) continue;
    const Executor executor(lower(inputs, {*mask}));
    std::vector<Array> masks;
    for (std::size_t k = 0; k < one.inputs.size(); ++k) masks.push_back(mask_of(one.options, k));
    EXPECT_EQ(executor.call_once({one.inputs, masks}, false), tensor(truths[i])) << "output " << i;
    if (i == 0) {
      EXPECT_EQ(layer.compute_mask(one.inputs, one.options), tensor(truths[i]));
    }
  }
}

// Off by at most 1e-5 of the largest element of the gradient. What regularisers add is included, as Keras adds it
// to the loss.
TEST_P(KerasTable, GradientsAreThoseOfKeras) {
  const auto sum = [](const Json& golden, const char* key, std::size_t i) {
    std::vector<double> truth = numbers(golden.at(key)[i]);
    if (const auto penalties = golden.find(std::string("penalty_") + key); penalties != golden.end()) {
      const std::vector<double> penalty = numbers((*penalties)[i]);
      for (std::size_t k = 0; k < truth.size(); ++k) truth[k] += penalty[k];
    }
    return truth;
  };
  const Gradients found = one.gradients(one.layer(), one.inputs, tensors(one.golden->at("doutputs")));
  double most = 0.0;  // of all gradients
  for (const char* key : {"dinputs", "dweights"})
    for (const Json& gradient : one.golden->at(key))
      if (!gradient.is_null()) most = std::max(most, largest(numbers(gradient)));
  const auto expect = [&](const std::vector<Tensor>& tensors, const char* key) {
    ASSERT_EQ(tensors.size(), one.golden->at(key).size());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      if (one.golden->at(key)[i].is_null()) continue;  // indices
      const std::vector<double> truth = sum(*one.golden, key, i);
      // A gradient that is 0 but for rounding (that of a bias before a softmax) has no size of its own.
      const double size = largest(truth) > 1e-12 * most ? largest(truth) : most;
      EXPECT_LE(difference(tensors[i], truth), 1e-5 * size) << key << " " << i;
    }
  };
  expect(found.inputs, "dinputs");
  expect(found.weights, "dweights");
  const double penalty = one.golden->value("penalty", 0.0);
  EXPECT_NEAR(found.penalty, penalty, 1e-6 * penalty);
}

// f(x, w) = sum(y * dy) + penalties, moved along +1 or -1 in each element by a step that no kink of the golden
// data is nearer than: the difference of f over the step is the sum of the gradient along that direction.
TEST_P(LayerTable, GradientsAreTheSlopes) {
  constexpr float step = 1.0f / 4096;
  const Layer layer = one.layer();
  if (!batched(one, layer)) return;
  const std::vector<Tensor> weights = layer.get_weights();
  std::vector<Tensor> dy;
  for (const Tensor& y : one.outputs(layer)) dy.push_back(drawn(shape(y), 7 + dy.size()));
  const Gradients found = one.gradients(layer, one.inputs, dy);
  const auto value = [&](const std::vector<Array>& at) {
    const std::vector<Tensor> outputs = one.outputs(layer, at);
    double sum = one.gradients(layer, at, dy).penalty;
    for (std::size_t i = 0; i < outputs.size(); ++i)
      for (std::size_t k = 0; k < dy[i].size(); ++k) sum += static_cast<double>(outputs[i].data()[k]) * dy[i].data()[k];
    return sum;
  };
  // Of a tensor: its gradient, and f where the tensor is another.
  const auto expect_slope = [&](const Tensor& center, const Tensor& gradient, auto f) {
    const Tensor signs = drawn(shape(center), 8);
    Tensor above = center, below = center;
    double along = 0.0, norm = 0.0;
    for (std::size_t i = 0; i < center.size(); ++i) {
      if (std::abs(center.data()[i]) < 2 * step) continue;  // 0 is where most kinks are
      const float move = signs.data()[i] < 0 ? -step : step;
      above.data()[i] += move;
      below.data()[i] -= move;
      // Twice the step that was really made, rounding included.
      along += (static_cast<double>(above.data()[i]) - below.data()[i]) * gradient.data()[i];
      norm += static_cast<double>(gradient.data()[i]) * gradient.data()[i];
    }
    EXPECT_NEAR((f(above) - f(below)) / (2 * step), along / (2 * step), 0.01 * std::max(1.0, std::sqrt(norm)));
  };
  for (std::size_t i = 0; i < one.inputs.size(); ++i) {
    if (one.inputs[i].dtype() != DType::float32) continue;
    Tensor center = empty(one.inputs[i].shape());
    std::copy_n(one.inputs[i].data(), center.size(), center.data());
    expect_slope(center, found.inputs[i], [&](const Tensor& moved) {
      std::vector<Array> at = one.inputs;
      at[i] = moved;
      return value(at);
    });
  }
  std::size_t trained = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!layer.trainable() || !layer.base().weights()[i]->trainable) continue;
    ASSERT_LT(trained, found.weights.size());
    expect_slope(weights[i], found.weights[trained++], [&](const Tensor& at) {
      std::vector<Tensor> moved = weights;
      moved[i] = at;
      layer.set_weights(moved);
      const double f = value(one.inputs);
      layer.set_weights(weights);
      return f;
    });
  }
  EXPECT_EQ(trained, found.weights.size());
}

// ---- positional encodings -------------------------------------------------------------------------------

// Within one ulp of the exact value, or 2^-40 where a float has finer steps than that.
void expect_exact(const Tensor& values, const std::vector<double>& truth) {
  ASSERT_EQ(values.size(), truth.size());
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const float nearest = static_cast<float>(std::abs(truth[i]));
    const double ulp = static_cast<double>(std::nextafter(nearest, INFINITY)) - nearest;
    EXPECT_LE(std::abs(values.data()[i] - truth[i]), std::max(ulp, std::ldexp(1.0, -40))) << "element " << i;
  }
}

TEST(PositionalEmbedding, IsTheExactFormula) {
  for (const auto& [name, json] : golden("layers").at("positional_embedding").at("exact").items()) {
    SCOPED_TRACE(name);
    const int start = json.at("start"), d_model = json.at("d_model");
    const int length = std::min(json.at("length").get<int>(), (1 << 24) - start);  // positions are below 2^24
    const std::string layout = json.at("layout");
    const float max_wavelength = json.at("max_wavelength");
    std::vector<double> truth = numbers(json.at("output"));
    truth.resize(static_cast<std::size_t>(length) * d_model);

    Tensor rows = empty({1, length, d_model});
    positional_encoding(
        {rows.data(), rows.size()},
        {.start = start, .length = length, .d_model = d_model, .layout = layout, .max_wavelength = max_wavelength});
    expect_exact(rows, truth);

    if (start + length > 20000) continue;  // the layer's table has every row from 0 on
    for (const bool whole_table : {true, false}) {
      const PositionalEmbedding layer({.max_len = whole_table ? start + length : 1,
                                       .d_model = d_model,
                                       .layout = layout,
                                       .extrapolate = !whole_table,
                                       .max_wavelength = max_wavelength});
      const Tensor y = layer(zeros({1, start + length, d_model}));
      ASSERT_EQ(shape(y), Shape({1, start + length, d_model}));
      Tensor last = empty({1, length, d_model});
      std::copy_n(y.data() + start * d_model, last.size(), last.data());
      expect_exact(last, truth);
    }
  }
}

TEST(PositionalEmbedding, IsWhatKerasFactoryHasUpToItsPrecision) {
  const Json& json = golden("layers").at("positional_embedding").at("kerasfactory_halves");
  const PositionalEmbedding layer({.max_len = json.at("max_len"), .d_model = json.at("d_model"), .layout = "halves"});
  const Tensor truth = tensor(json.at("output"));
  const Tensor y = layer(zeros(shape(truth)));
  EXPECT_EQ(shape(y), shape(truth));
  EXPECT_LE(difference(y, numbers(json.at("output"))), json.at("tolerance").get<double>());
}

// ---- configs, copies ------------------------------------------------------------------------------------

TEST_P(LayerTable, ComesBackFromItsConfigInEveryFormat) {
  const Layer layer = one.layer();
  const std::vector<Tensor> y = one.outputs(layer);
  const Config object = layer_to_config(layer);
  for (const Format format : every_format) {
    const Config read = round_trip(object, format);
    EXPECT_EQ(read, object);
    const Layer again = layer_from_config(read);
    EXPECT_EQ(again.get_config(), layer.get_config());
    EXPECT_EQ(again.name(), layer.name());
    EXPECT_FALSE(again == layer);
    again.call(one.symbolic(), one.options.arguments);
    again.set_weights(layer.get_weights());
    EXPECT_TRUE(same_bits(one.outputs(again), y));
    EXPECT_EQ(layer_to_config(again), object);
  }
}

TEST_P(LayerTable, ACloneHasEqualWeightsOfItsOwn) {
  const Layer layer = one.layer();
  const std::vector<Tensor> y = one.outputs(layer);
  const Layer copy = layer, clone = layer.clone();
  EXPECT_TRUE(copy == layer);
  EXPECT_FALSE(clone == layer);
  EXPECT_EQ(clone.get_config(), layer.get_config());
  EXPECT_TRUE(clone.built());
  EXPECT_TRUE(same_bits(clone.get_weights(), layer.get_weights()));
  EXPECT_TRUE(same_bits(one.outputs(clone), y));

  std::vector<Tensor> others = layer.get_weights();
  if (others.empty()) return;
  for (Tensor& weight : others) weight.data()[0] += 1.0f;
  clone.set_weights(others);
  EXPECT_TRUE(same_bits(layer.get_weights(), one.weights));
  EXPECT_TRUE(same_bits(one.outputs(layer), y));
  copy.set_weights(others);
  EXPECT_TRUE(same_bits(layer.get_weights(), others));
}

// ---- calls ----------------------------------------------------------------------------------------------

TEST_P(LayerTable, GivesTheSameBitsToTwoThreadsAtOnce) {
  const Layer layer = one.layer();
  const std::vector<Tensor> y = one.outputs(layer);
  std::vector<Tensor> first, second;
  const auto call = [&](std::vector<Tensor>& result) {
    for (int i = 0; i < 3; ++i) result = one.outputs(layer);
  };
  std::thread other(call, std::ref(second));
  call(first);
  other.join();
  EXPECT_TRUE(same_bits(first, y));
  EXPECT_TRUE(same_bits(second, y));
}

TEST_P(LayerTable, ASampleHasTheSameBitsInAnyBatch) {
  const Layer layer = one.layer();
  const Case many = one.with_samples(37);
  const std::vector<Tensor> y = many.outputs(layer);
  const auto expect_same = [&](std::int64_t first, std::int64_t count) {
    const Case part = many.part(first, count);
    const std::vector<Tensor> alone = part.outputs(layer);
    for (std::size_t k = 0; k < y.size(); ++k)
      EXPECT_TRUE(same_bits(alone[k], batched(one, layer) ? samples(y[k], first, count) : y[k])) << "sample " << first;
  };
  for (const std::int64_t i : {0, 1, 17, 36}) expect_same(i, 1);
  expect_same(3, 5);
  const std::vector<Tensor> none = many.part(0, 0).outputs(layer);
  for (std::size_t k = 0; k < y.size(); ++k)
    EXPECT_EQ(shape(none[k]), shape(y[k]).sample().with_batch(batched(one, layer) ? 0 : 1));
}

// As in Keras: there is nothing to build in a layer without weights, unless its options could give it some, or a table.
TEST_P(LayerTable, IsBuiltFromTheStartIfItHasNoWeights) {
  const Layer layer = layer_from_config(one.object);
  const std::set<std::string_view> may_have_none{"Sequential",          "Functional",     "LayerNormalization",
                                                 "PositionalEmbedding", "FixedEmbedding", "ReversibleInstanceNorm"};
  EXPECT_EQ(layer.built(), one.weights.empty() && !may_have_none.contains(layer.class_name()));
}

// ---- inputs that do not fit -----------------------------------------------------------------------------

TEST_P(LayerTable, AnInputThatDoesNotFitIsAnErrorThatNamesTheLayer) {
  const Layer layer = one.layer();
  const std::vector<Tensor> y = one.outputs(layer);
  const Shape& x = one.inputs[0].shape();
  const Config config = layer_to_config(layer);
  const bool model = layer.class_name() == "Sequential";
  const std::string label = layer.base().label();
  // Whatever does not fit is an error that names the layer; and then nothing has changed.
  for (const Shape& other : {Shape{4}, Shape{2, 1}, Shape{2, 3, 4, 5}, Shape{2, 0, 3}}) {
    const std::string error = error_of<ShapeError>([&] { layer.call(zeros(other), one.options); });
    EXPECT_TRUE(error == "no error" || error.starts_with("[")) << error;
  }
  EXPECT_TRUE(same_bits(layer.get_weights(), one.weights));
  EXPECT_EQ(layer_to_config(layer), config);
  EXPECT_TRUE(same_bits(one.outputs(layer), y));
  EXPECT_EQ(error_of<ShapeError>([&] { layer(zeros({})); }), label + "expected an input with a batch axis, got ()");

  const std::string class_name(layer.class_name());
  const bool adds = class_name == "PositionalEmbedding" && layer.get_config().at("merge_mode").as_string() == "add";
  if (class_name != "Dense" && class_name != "Conv1D" && class_name != "TokenEmbedding" && !adds && !model) return;
  const auto expect_error = [&](const Shape& wrong) {
    const Tensor data = zeros(wrong);
    EXPECT_THAT(error_of<ShapeError>([&] { layer(data); }),
                AllOf(model ? StartsWith("[") : StartsWith(label), HasSubstr("expected an input"),
                      EndsWith(", got " + to_string(wrong.sample().with_batch(None)))));
    // Nor does it build a layer, or change one that is built.
    const Layer unbuilt = layer_from_config(one.object);
    const bool last_axis_is_free = layer.class_name() == "Dense" || layer.class_name() == "Conv1D" || model;
    if (!last_axis_is_free || wrong.rank() != x.rank()) {
      EXPECT_NE(error_of<ShapeError>([&] { unbuilt(data); }), "no error");
      if (!one.weights.empty()) {
        EXPECT_FALSE(unbuilt.built());
      }
      EXPECT_TRUE(same_bits(one.outputs(layer), y));
    }
  };
  const Dim columns = x.back();
  expect_error({4});
  if (class_name == "Conv1D" || class_name == "TokenEmbedding") {
    expect_error({2, columns});
    expect_error({2, 3, 4, columns});
  }
  Shape wrong = x;
  wrong.back() += 1;
  expect_error(wrong);
}

}  // namespace
}  // namespace xl
