#pragma once

// The models of tests/golden/golden_functional.py, in this library.

#include <map>
#include <string>

#include "xlayers/layers/activation.hpp"
#include "xlayers/layers/concatenate.hpp"
#include "xlayers/layers/conv1d.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/dropout.hpp"
#include "xlayers/layers/embedding.hpp"
#include "xlayers/layers/global_pooling.hpp"
#include "xlayers/layers/input.hpp"
#include "xlayers/layers/layer_normalization.hpp"
#include "xlayers/layers/merging.hpp"
#include "xlayers/layers/multi_head_attention.hpp"
#include "xlayers/layers/reshaping.hpp"
#include "xlayers/layers/softmax.hpp"
#include "xlayers/models/model/sequential.hpp"

namespace xl::testing_functional {

inline Model linear() {
  auto x = Input({4});
  const Dense last({.units = 2}), first({.units = 5, .activation = "relu"});
  return Model(x, last(first(x)));
}

inline Model two_inputs() {
  auto series = Input({6, 3}, {.name = "series"}), mark = Input({6, 2}, {.name = "mark"});
  auto x = concatenate({series, mark});
  x = Conv1D({.filters = 4, .kernel_size = 3, .padding = "same", .activation = "tanh"})(x);
  x = GlobalAveragePooling1D()(x);
  return Model({series, mark}, Dense({.units = 2, .name = "forecast"})(x), {.name = "two_inputs"});
}

inline Model two_outputs() {
  auto x = Input({4});
  auto hidden = Dense({.units = 6, .activation = "gelu"})(x);
  auto trend = Dense({.units = 3, .name = "trend"})(hidden);
  auto anomaly = Dense({.units = 1, .activation = "sigmoid", .name = "anomaly"})(hidden);
  return Model(x, {trend, anomaly});
}

inline Model shared() {
  auto a = Input({3}, {.name = "a"}), b = Input({3}, {.name = "b"});
  const Dense dense({.units = 3, .activation = "tanh"});
  auto left = dense(a), right = dense(b);
  auto x = dense(Add()({left, right}));
  return Model({a, b}, Dense({.units = 1})(x));
}

inline Model nested() {
  auto x = Input({3}, {.name = "features"});
  auto h = Dense({.units = 4, .activation = "relu"})(x);
  auto value = Dense({.units = 2})(h), gate = Dense({.units = 2, .activation = "sigmoid"})(h);
  const Model split(x, {value, gate}, {.name = "split"});
  const Sequential head({Input({2}), Dense({.units = 3}), Activation("tanh")}, "head");
  auto a = Input({3}), b = Input({3});
  const SymbolicTensors of_a = split.call({a}), of_b = split.call({b});
  const Add add;
  auto left = Multiply()({of_a[0], of_a[1]}), right = Multiply()({of_b[0], of_b[1]});
  return Model({a, b}, head(add({left, right})), {.name = "whole"});
}

inline Model nested_twice() {
  auto x = Input({3}, {.name = "features"});
  const Model inner(x, Dense({.units = 3, .activation = "tanh"})(x), {.name = "inner"});
  const Sequential row({Input({3}), Dense({.units = 3, .activation = "relu"})}, "row");
  auto a = Input({3}, {.name = "a"});
  auto once = inner(a), twice = inner(once), row_once = row(twice);
  return Model(a, {once, twice, row_once, row(row_once)}, {.name = "whole"});
}

inline Model operators() {
  auto x = Input({3}), y = Input({3});
  auto z = Dense({.units = 1})(x);
  // One operation a line: C++ may make the operands in any order, and their names count on.
  auto sum = x + y, twice = sum * 2.0, rest = 1.0 - x, quarter = rest / 4.0, a = twice - quarter;
  auto square = x * x, above = square + 1.5, inverse = 2.0 / above, scaled = inverse * z, doubled = y / 0.5;
  auto b = scaled + doubled;
  auto difference = a - b;
  auto squared = y * y, positive = squared + 1.0;
  return Model({x, y}, {difference, a / positive});
}

inline Model negative() {
  auto x = Input({3});
  auto y = -x;
  y = Dense({.units = 2})(y);
  return Model(x, -y);
}

inline Model attention() {
  auto query = Input({5, 6}, {.name = "query"}), value = Input({5, 3}, {.name = "value"});
  auto key = Input({5, 2}, {.name = "key"}), mask = Input({5, 5}, {.name = "mask"});
  auto x = MultiHeadAttention({.num_heads = 2, .key_dim = 3})(query, value);
  x = MultiHeadAttention({.num_heads = 2, .key_dim = 3, .output_shape = 5})(x, value, key);
  auto [y, scores] = MultiHeadAttention({.num_heads = 2, .key_dim = 2, .value_dim = 3})
                         .with_scores(x, value, {.attention_mask = mask});
  y = MultiHeadAttention({.num_heads = 1, .key_dim = 4, .use_bias = false})(y, y, {.use_causal_mask = true});
  return Model({query, value, key, mask}, {y, scores});
}

inline Model inner_outputs() {
  auto x = Input({4}, {.name = "x"});
  auto h = Dense({.units = 3, .activation = "tanh", .name = "h"})(x);
  auto y = Dense({.units = 2, .name = "y"})(h);
  return Model(x, {h, y, x, h});
}

inline Model submodel() {
  const Model whole = two_inputs();
  return Model(whole.inputs(), whole.output_of("conv1d"), {.name = "inside"});
}

inline Model from_inside() {
  const Model whole = two_inputs();
  return Model(whole.output_of("concatenate"), whole.outputs(), {.name = "rest"});
}

inline Model residual() {
  auto x = Input({None, 4});
  auto y = LayerNormalization()(x);
  y = Conv1D({.filters = 4, .kernel_size = 2, .padding = "causal"})(y);
  y = Add()({x, y});
  y = Softmax()(y);
  return Model(x, GlobalMaxPooling1D()(y));
}

inline Model shapes() {
  auto x = Input({4, 3});
  auto a = Flatten()(x);
  auto b = Reshape({2, 6})(x);
  b = Permute({2, 1})(b);
  b = Dense({.units = 2})(b);
  auto c = Reshape({12})(b);
  const Maximum maximum;
  return Model(x, maximum({a, Average()({a, c})}));
}

inline Model indices() {
  auto words = Input({5}, {.dtype = "int32", .name = "words"});
  auto x = Embedding({.input_dim = 7, .output_dim = 4, .mask_zero = true})(words);
  x = Dropout(0.25)(x);
  const Dense dense({.units = 2});
  return Model(words, dense(GlobalAveragePooling1D()(x)));
}

inline Model masked_outputs() {
  auto words = Input({5}, {.dtype = "int32", .name = "words"});
  auto x = Embedding({.input_dim = 7, .output_dim = 4, .mask_zero = true})(words);
  auto y = Dense({.units = 2, .name = "y"})(x);
  return Model(words, {x, Flatten()(y), y});
}

inline Model masked() {
  auto x = Input({5, 4}), other = Input({5, 4});
  auto y = Concatenate({.name = "beside"})({x, other});
  auto pooled = GlobalAveragePooling1D({.name = "mean"})(y);
  const Model inner({x, other}, {pooled, Dense({.units = 4, .name = "mix"})(y)}, {.name = "inner"});
  auto words = Input({5}, {.dtype = "int32", .name = "words"}), series = Input({5, 4}, {.name = "series"});
  auto embedded = Embedding({.input_dim = 7, .output_dim = 4, .mask_zero = true})(words);
  const SymbolicTensors made = inner.call({embedded, series});
  auto attended = MultiHeadAttention({.num_heads = 2, .key_dim = 2})(made[1], embedded);
  auto behind = Concatenate({.axis = 1, .name = "behind"})({embedded, attended});
  const Concatenate last({.name = "all"});
  auto whole = last({made[0], GlobalAveragePooling1D()(behind)});
  return Model({words, series}, Dense({.units = 2})(whole));
}

/// Each with the name that it has in functional.json.
inline const std::map<std::string, Model (*)()> models = {
    {"linear", linear},
    {"two_inputs", two_inputs},
    {"two_outputs", two_outputs},
    {"shared", shared},
    {"nested", nested},
    {"operators", operators},
    {"attention", attention},
    {"inner_outputs", inner_outputs},
    {"submodel", submodel},
    {"from_inside", from_inside},
    {"residual", residual},
    {"shapes", shapes},
    {"indices", indices},
    {"masked", masked},
    {"nested_twice", nested_twice},
    {"negative", negative},
    {"masked_outputs", masked_outputs},
};

}  // namespace xl::testing_functional
