// A language model: it reads a text one character after the other and says which comes next.
//
// It is trained on one poem, "The Walrus and the Carpenter" (Lewis Carroll, "Through the Looking-Glass", 1871), until it
// knows it by heart. Then it is given the beginning of a line, and what it finds likeliest is added, character by
// character: language models of any size write so.
//
// All steps are trained at once: the model makes a forecast behind every character of a piece, and each is compared with
// the character that came. That is only fair if step t sees nothing of what comes later. Dense and LayerNormalization look
// at one step; attention looks at all of them, so it is the one part that has to be told (use_causal_mask). The last
// section tries it out: it changes a character and looks which forecasts change.
//
//   language_model [EPOCHS]

#include <xlayers/xlayers.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

constexpr int steps = 64, width = 64, heads = 4, blocks = 2;

// 1. The text as numbers: each character is its place in the alphabet of the text.

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.size() <= steps) throw xl::ValueError(path + " cannot be read or is too short");
  return text;
}

class Alphabet {
 public:
  explicit Alphabet(std::string text) : characters_(std::move(text)) {
    std::sort(characters_.begin(), characters_.end());
    characters_.erase(std::unique(characters_.begin(), characters_.end()), characters_.end());
  }
  int size() const { return static_cast<int>(characters_.size()); }
  char character(int i) const { return characters_.at(static_cast<std::size_t>(i)); }

  // (1, length)
  xl::IntTensor numbers(const std::string& text) const {
    xl::IntTensor numbers = xl::IntTensor::from_shape({1, text.size()});
    for (std::size_t i = 0; i < text.size(); ++i) {
      const std::size_t place = characters_.find(text[i]);
      if (place == std::string::npos) throw xl::ValueError(std::string("the text has no '") + text[i] + "'");
      numbers(0, i) = static_cast<int>(place);
    }
    return numbers;
  }

 private:
  std::string characters_;
};

// Pieces of the text, and the same pieces one character later: (pieces, 64) each.
struct Samples {
  xl::IntTensor x, y;
};

Samples cut(const std::string& text, const Alphabet& alphabet) {
  const xl::IntTensor numbers = alphabet.numbers(text);
  const std::size_t stride = 3, pieces = (text.size() - steps - 1) / stride + 1;
  Samples samples{xl::IntTensor::from_shape({pieces, steps}), xl::IntTensor::from_shape({pieces, steps})};
  for (std::size_t piece = 0; piece < pieces; ++piece) {
    for (std::size_t step = 0; step < steps; ++step) {
      samples.x(piece, step) = numbers(0, piece * stride + step);
      samples.y(piece, step) = numbers(0, piece * stride + step + 1);
    }
  }
  return samples;
}

// 2. The model. Its steps are not fixed: it reads pieces of 64 characters in training, and any number up to that later.

xl::SymbolicTensor causal_block(xl::SymbolicTensor x) {
  const auto normal = xl::LayerNormalization()(x);
  const xl::MultiHeadAttention attention({.num_heads = heads, .key_dim = width / heads});
  x = x + attention(normal, normal, {.use_causal_mask = true});
  const auto thought = xl::Dense({.units = 4 * width, .activation = "gelu"})(xl::LayerNormalization()(x));
  return x + xl::Dense({.units = width})(thought);
}

xl::Model make_model(int vocabulary) {
  const auto characters = xl::Input({xl::None}, {.dtype = "int32"});
  auto x = xl::Embedding({.input_dim = vocabulary, .output_dim = width})(characters);
  x = x + xl::PositionalEmbedding({.max_len = steps, .d_model = width})(x);
  for (int i = 0; i < blocks; ++i) x = causal_block(x);
  // A number for each character of the alphabet, the logits: softmax makes probabilities of them.
  return {characters, xl::Dense({.units = vocabulary})(xl::LayerNormalization()(x))};
}

// 3. Writing: the likeliest next character, over and over.

std::string complete(const xl::Model& model, const Alphabet& alphabet, std::string text, int length) {
  const std::size_t begin = text.size();
  for (int i = 0; i < length; ++i) {
    const std::string seen = text.substr(text.size() - std::min<std::size_t>(text.size(), steps));
    const xl::Tensor logits = model.predict(alphabet.numbers(seen));  // (1, seen, alphabet)
    const float* last = &logits(0, seen.size() - 1, 0);
    text += alphabet.character(static_cast<int>(std::max_element(last, last + alphabet.size()) - last));
  }
  return text.substr(begin);
}

// Completes the prompt and says how far that is what stands in the text.
void show_completion(const xl::Model& model, const Alphabet& alphabet, const std::string& text,
                     const std::string& prompt) {
  constexpr int length = 120;
  const std::string written = complete(model, alphabet, prompt, length);
  const std::string truth = text.substr(text.find(prompt) + prompt.size(), length);
  const auto equal = std::mismatch(truth.begin(), truth.end(), written.begin()).first - truth.begin();
  std::cout << "\n[" << prompt << "]" << written << "\nas in the poem for " << equal << " characters\n";
}

// 4. What step t sees. The largest change of the forecasts at the steps [begin, end).

float largest_change(const xl::Tensor& a, const xl::Tensor& b, std::size_t begin, std::size_t end) {
  float largest = 0;
  for (std::size_t step = begin; step < end; ++step)
    for (std::size_t i = 0; i < a.shape()[2]; ++i) largest = std::max(largest, std::abs(a(0, step, i) - b(0, step, i)));
  return largest;
}

void show_causality(const xl::Model& model, const Alphabet& alphabet, const std::string& text) {
  constexpr std::size_t at = 40;
  std::string piece = text.substr(0, steps);
  const xl::Tensor before = model.predict(alphabet.numbers(piece));
  piece[at] = piece[at] == 'x' ? 'y' : 'x';
  const xl::Tensor after = model.predict(alphabet.numbers(piece));
  std::cout << std::defaultfloat << "\nAnother character at step " << at << " changes the forecasts at steps 0 to "
            << at - 1 << " by " << largest_change(before, after, 0, at) << ", from " << at << " on by up to "
            << largest_change(before, after, at, steps) << "\n";
}

int main(int argc, char** argv) try {
  xl::set_random_seed(1);
  const int epochs = argc > 1 ? std::stoi(argv[1]) : 30;
  const std::string text = read_text(XLAYERS_DATA_DIR "/walrus.txt");
  const Alphabet alphabet(text);
  const Samples samples = cut(text, alphabet);

  const xl::Model model = make_model(alphabet.size());
  std::cout << text.size() << " characters, " << alphabet.size() << " different ones; " << xl::shape(samples.x)
            << " in training; " << model.count_params() << " parameters\n";
  constexpr int batch_size = 32;
  const std::int64_t batches = (static_cast<std::int64_t>(samples.x.shape()[0]) + batch_size - 1) / batch_size;
  const xl::CosineDecay rate({.initial_learning_rate = 3e-3, .decay_steps = epochs * batches, .alpha = 0.05});
  model.compile({.optimizer = xl::Adam({.learning_rate = rate}),
                 .loss = xl::SparseCategoricalCrossentropy({.from_logits = true}),
                 .metrics = {"accuracy"}});
  const auto show_progress = [&](int epoch, xl::Logs& logs) {
    if (epoch % 5 != 0) return;
    std::string line = complete(model, alphabet, "The Walrus", 40);
    std::replace(line.begin(), line.end(), '\n', '/');
    std::cout << "epoch " << std::setw(2) << epoch + 1 << "  loss " << std::fixed << std::setprecision(2)
              << logs["loss"] << "  [The Walrus]" << line << "\n"
              << std::flush;
  };
  model.fit(samples.x, samples.y,
            {.batch_size = batch_size,
             .epochs = epochs,
             .verbose = 0,
             .callbacks = {xl::LambdaCallback({.on_epoch_end = show_progress})}});
  // No loss of 0: a piece begins anywhere, and nobody can know its first characters.
  std::cout << "trained   " << model.evaluate(samples.x, samples.y) << "\n";

  for (const std::string prompt : {"But four young Oysters", "The eldest Oyster looked"})
    show_completion(model, alphabet, text, prompt);
  show_causality(model, alphabet, text);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "language_model: " << error.what() << "\n";
  return 1;
}
