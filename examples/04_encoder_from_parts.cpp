// An encoder block of a transformer, built from its parts, beside the layer that has it all inside.
//
// A block takes a sequence (steps, width) and gives one of the same shape, so blocks can be stacked. It does two things:
// first every step looks at all the others (attention), then every step is thought over for itself (two Dense layers).
// Both are added to what came in, and both are kept in bounds by a normalisation; whether it stands before them
// (pre-norm) or behind the sum (post-norm) is the one thing in which blocks differ.
//
// With equal weights, the parts and TransformerBlock give equal numbers, forwards and backwards: there is nothing in the
// block that cannot be written in a few lines.
//
//   encoder_from_parts

#include <xlayers/xlayers.hpp>

#include <cmath>
#include <iostream>
#include <string>
#include <vector>

constexpr int batch = 4, steps = 12, width = 32, heads = 4, hidden = 64;
constexpr float dropout = 0.1f;

// 1. The block, in parts.

xl::Model pre_norm() {
  const auto x = xl::Input({steps, width});

  // Each step to mean 0 and variance 1, whatever the size of what came in.
  const auto normal = xl::LayerNormalization({.epsilon = 1e-6f, .name = "norm_1"})(x);
  // Each step asks a query and finds among the keys of all steps those that answer it; it gets the mean of their values,
  // by how well they answer. Four heads do that side by side, each with 8 of the 32 features. Query, keys and values come
  // from the same sequence: self-attention.
  auto attended = xl::MultiHeadAttention(
      {.num_heads = heads, .key_dim = width / heads, .dropout = dropout, .name = "attention"})(normal, normal);
  // In training, and only there, some of it is left out, another part in each step.
  attended = xl::Dropout(dropout)(attended);
  // The way around the attention. It is why deep stacks of blocks can be trained: gradients pass through a sum unchanged.
  const auto sum = xl::Add()({x, attended});

  // The second half, of the same make: normalise, then a network of two layers that sees one step at a time.
  auto thought = xl::LayerNormalization({.epsilon = 1e-6f, .name = "norm_2"})(sum);
  thought = xl::Dense({.units = hidden, .activation = "relu", .name = "widen"})(thought);
  thought = xl::Dropout(dropout)(thought);
  thought = xl::Dense({.units = width, .name = "narrow"})(thought);
  return {x, xl::Add()({sum, thought})};
}

// The block of the paper of 2017: each sum is normalised, and with it the way around. What comes out is of one size, but
// gradients on their way back pass through every normalisation, so that training needs a learning rate that warms up.
xl::Model post_norm() {
  const auto x = xl::Input({steps, width});

  auto attended = xl::MultiHeadAttention(
      {.num_heads = heads, .key_dim = width / heads, .dropout = dropout, .name = "attention"})(x, x);
  attended = xl::Dropout(dropout)(attended);
  const auto sum = xl::LayerNormalization({.epsilon = 1e-6f, .name = "norm_1"})(xl::Add()({x, attended}));

  auto thought = xl::Dense({.units = hidden, .activation = "relu", .name = "widen"})(sum);
  thought = xl::Dropout(dropout)(thought);
  thought = xl::Dense({.units = width, .name = "narrow"})(thought);
  return {x, xl::LayerNormalization({.epsilon = 1e-6f, .name = "norm_2"})(xl::Add()({sum, thought}))};
}

// 2. Equal weights. TransformerBlock holds those of its parts in this order; a model has them in the order of its calls.

const std::vector<std::string> order_in_block = {"attention", "norm_1", "widen", "narrow", "norm_2"};

// Of tensors that belong to the weights of a model, in the model's order, those that belong to one layer.
std::vector<xl::Tensor> of_layer(const std::string& name, const xl::Model& model,
                                 const std::vector<xl::Tensor>& tensors) {
  auto first = tensors.begin();
  for (const xl::Layer& layer : model.layers()) {
    const auto last = first + static_cast<std::ptrdiff_t>(layer.get_weights().size());
    if (layer.name() == name) return {first, last};
    first = last;
  }
  throw xl::ValueError("no layer " + name);
}

std::vector<xl::Tensor> in_order_of_block(const xl::Model& model, const std::vector<xl::Tensor>& tensors) {
  std::vector<xl::Tensor> ordered;
  for (const std::string& name : order_in_block)
    for (const xl::Tensor& tensor : of_layer(name, model, tensors)) ordered.push_back(tensor);
  return ordered;
}

// 3. The comparison.

xl::Tensor random_tensor(const xl::Shape& shape, int seed) {
  xl::Tensor tensor = xl::empty(shape);
  xl::Random(seed).fill_normal({tensor.data(), tensor.size()});
  return tensor;
}

float largest_difference(const xl::Tensor& a, const xl::Tensor& b) {
  if (xl::shape(a) != xl::shape(b)) throw xl::ShapeError("the parts and the block differ in shape");
  float largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const float difference = std::abs(a.data()[i] - b.data()[i]);
    if (!(difference <= largest)) largest = difference;  // a NaN is the largest of all
  }
  return largest;
}

float largest_difference(const std::vector<xl::Tensor>& a, const std::vector<xl::Tensor>& b) {
  if (a.size() != b.size()) throw xl::ShapeError("the parts and the block differ in their number of weights");
  float largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const float difference = largest_difference(a[i], b[i]);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

void compare(const std::string& what, const xl::Model& parts, bool norm_first) {
  const xl::TransformerBlock block(
      {.dim_model = width, .num_heads = heads, .ff_units = hidden, .dropout_rate = dropout, .norm_first = norm_first});
  block.build({xl::None, steps, width});
  // A new layer has biases of 0 and a normalisation that scales by 1; random ones would show if they were mixed up.
  auto weights = parts.get_weights();
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] += 0.1f * random_tensor(xl::shape(weights[i]), 10 + i);
  parts.set_weights(weights);
  block.set_weights(in_order_of_block(parts, weights));

  const xl::Tensor x = random_tensor({batch, steps, width}, 1), dy = random_tensor({batch, steps, width}, 2);
  const xl::Gradients by_parts = xl::gradients(parts, x, dy, {.training = false});
  const xl::Gradients by_block = xl::gradients(block, x, dy, {.training = false});

  std::cout << what << ", " << block.count_params() << " parameters in " << weights.size() << " weights; "
            << "largest differences\n"
            << "  outputs " << xl::shape(parts(x)) << ": " << largest_difference(parts(x), block(x)) << "\n"
            << "  gradients of the input: " << largest_difference(by_parts.inputs, by_block.inputs) << "\n"
            << "  gradients of the weights: "
            << largest_difference(in_order_of_block(parts, by_parts.weights), by_block.weights) << "\n";
}

// 4. How the two differ: pre-norm adds up and lets numbers grow, post-norm keeps them of one size.

// How far numbers are from 0, on average.
double mean_size(const xl::Tensor& x) {
  double sum = 0;
  for (const float value : x) sum += std::abs(value);
  return sum / static_cast<double>(x.size());
}

int main() try {
  xl::set_random_seed(1);
  const xl::Model pre = pre_norm(), post = post_norm();
  pre.summary();
  std::cout << "\n";
  compare("pre-norm", pre, true);
  compare("post-norm", post, false);

  // Both orders, eight times over: what comes out of one goes into the next.
  xl::Tensor a = random_tensor({batch, steps, width}, 1), b = a;
  std::cout << "\nmean size of what goes in " << mean_size(a);
  for (int i = 0; i < 8; ++i) {
    a = pre(a);
    b = post(b);
  }
  std::cout << ", behind eight blocks of pre-norm " << mean_size(a) << ", of post-norm " << mean_size(b) << "\n";
  return 0;
} catch (const std::exception& error) {
  std::cerr << "encoder_from_parts: " << error.what() << "\n";
  return 1;
}
