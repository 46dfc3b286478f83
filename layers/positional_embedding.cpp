#include "xlayers/layers/positional_embedding.hpp"

#include <algorithm>
#include <map>
#include <new>
#include <tuple>

#include "xlayers/framework/base/aligned_floats.hpp"
#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/mutex.hpp"
#include "xlayers/framework/base/number_text.hpp"
#include "xlayers/framework/graph/composite.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/graph/primitive.hpp"

namespace xl {

static void serialize(Archive& archive, PositionalEmbeddingOptions& o) {
  archive("max_len", o.max_len);
  archive("d_model", o.d_model);
  archive("layout", o.layout);
  archive("merge_mode", o.merge_mode);
  archive("extrapolate", o.extrapolate);
  archive("max_wavelength", o.max_wavelength);
}

namespace {

constexpr std::int64_t most_steps = std::int64_t{1} << 24;

// The encodings of the positions from 0 on, made when they are first asked for. All layers of the process with
// the same parameters share one table.
class SinusoidTable {
 public:
  static std::shared_ptr<SinusoidTable> shared(const PositionalEmbeddingOptions& o) {
    static Mutex mutex;
    static std::map<std::tuple<int, std::string, float>, std::weak_ptr<SinusoidTable>> tables;
    const std::lock_guard lock(mutex);
    std::erase_if(tables, [](const auto& entry) { return entry.second.expired(); });
    std::weak_ptr<SinusoidTable>& known = tables[{o.d_model, o.layout, o.max_wavelength}];
    std::shared_ptr<SinusoidTable> table = known.lock();
    if (!table) known = table = std::make_shared<SinusoidTable>(o);
    return table;
  }

  explicit SinusoidTable(const PositionalEmbeddingOptions& o)
      : encoding_{.d_model = o.d_model, .layout = o.layout, .max_wavelength = o.max_wavelength} {}

  // At least `length` rows. They stay where they are as long as the pointer lives: when the table grows, it is
  // by a new one beside the old. It grows to `reserve` rows at once, and from there on to twice as many, so that
  // ever longer sequences cost no more than a few times the longest. Throws std::bad_alloc.
  std::shared_ptr<const float[]> rows(std::int64_t length, std::int64_t reserve) {
    const std::lock_guard lock(mutex_);
    if (length > length_ || !rows_)
      grow(length <= reserve ? reserve : std::max(length, std::min(2 * length_, most_steps)));
    return rows_;
  }

 private:
  void grow(std::int64_t length) {
    // Positions from a multiple of 1024 on are the same bits whatever else is in the table.
    const std::int64_t kept = length_ / 1024 * 1024, width = encoding_.d_model;
    const auto memory = std::make_shared<AlignedFloats>(length * width);
    if (kept > 0) std::copy_n(rows_.get(), kept * width, memory->data());
    PositionalEncodingOptions missing = encoding_;
    missing.start = kept;
    missing.length = length - kept;
    positional_encoding({memory->data() + kept * width, static_cast<std::size_t>(missing.length * width)}, missing);
    rows_ = {memory, memory->data()};
    length_ = length;
  }

  const PositionalEncodingOptions encoding_;
  Mutex mutex_;
  std::int64_t length_ = 0;
  std::shared_ptr<const float[]> rows_;
};

// (batch, seq_len, ...) -> (1, seq_len, d_model): rows of the table, handed out as they are.
class PositionalTable final : public PrimitiveLayer {
 public:
  explicit PositionalTable(const PositionalEmbeddingOptions& o) : options_(o), table_(SinusoidTable::shared(o)) {}

  // It is a part of the layer below and speaks in its name.
  std::string_view class_name() const override { return "PositionalEmbedding"; }
  Config get_config() const override { return {}; }
  bool is_constant() const override { return true; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    const Shape& x = inputs.at(0).shape;
    check_steps(x);
    return {{{1, x[1], options_.d_model}, DType::float32, false}};
  }
  void check_steps(const Shape& x) const {
    if (x[1] == None) return;
    if (x[1] > options_.max_len && !options_.extrapolate)
      shape_error(
          "at most max_len = " + std::to_string(options_.max_len) + " steps (extrapolate = true serves any number)", x);
    if (x[1] > most_steps) shape_error("at most 2^24 = 16777216 steps", x);
  }
  std::shared_ptr<const float> constant(const TensorSpecs& inputs) const override {
    const std::shared_ptr<const float[]> rows = this->rows(inputs[0].shape[1]);
    return {rows, rows.get()};
  }

  std::shared_ptr<const float[]> rows(std::int64_t seq_len) const {
    try {
      return table_->rows(seq_len, options_.max_len);
    } catch (const std::bad_alloc&) {
      const std::int64_t steps = std::max<std::int64_t>(seq_len, options_.max_len);
      value_error("the table of " + std::to_string(steps) + " steps of d_model = " + std::to_string(options_.d_model) +
                  " floats, " + std::to_string(4 * steps * options_.d_model >> 20) + " MiB, does not fit in memory");
    }
  }
  void forward(const ForwardCall&) const override {}
  void backward(const BackwardCall&) const override {}

 private:
  const PositionalEmbeddingOptions options_;
  const std::shared_ptr<SinusoidTable> table_;
};

class PositionalEmbeddingLayer final : public WithOptions<CompositeLayer, PositionalEmbeddingOptions> {
 public:
  explicit PositionalEmbeddingLayer(PositionalEmbeddingOptions o)
      : WithOptions(o), table_(std::make_shared<PositionalTable>(o)) {}

  void set_name(const std::string& name) override {
    CompositeLayer::set_name(name);
    table_.base().set_name(name);
  }

  SymbolicTensors call(const SymbolicTensors& inputs, const CallContext& context) const override {
    if (inputs.size() != 1) throw ShapeError(label() + "takes one input, got " + std::to_string(inputs.size()));
    const SymbolicTensor& x = inputs[0];
    check(x.shape(), adds(context));
    const SymbolicTensor encoding = table_(x);
    return {adds(context) ? x + encoding : encoding};
  }

  std::shared_ptr<const float[]> encoding(std::int64_t seq_len) const {
    if (seq_len < 0) value_error("expected a seq_len of 0 or more, got " + std::to_string(seq_len));
    const PositionalTable& table = static_cast<const PositionalTable&>(table_.base());
    table.check_steps({None, seq_len});
    return table.rows(seq_len);
  }

 private:
  bool adds(const CallContext& context) const {
    return options.merge_mode == "add" || (options.merge_mode == "auto" && context.in_sequential);
  }

  void check(const Shape& x, bool adds) const {
    if (x.rank() < 2) shape_error("an input (batch, seq_len, ...)", x);
    if (adds && (x.rank() != 3 || x.back() != options.d_model))
      shape_error("an input (batch, seq_len, d_model = " + std::to_string(options.d_model) +
                      "), to which the encoding is added",
                  x);
  }

  Layer table_;
};

PositionalEmbeddingOptions checked(PositionalEmbeddingOptions o) {
  const std::string label = error_label("PositionalEmbedding", o.name);
  if (o.max_len < 1 || o.d_model < 1)
    throw ValueError(label + "expected max_len and d_model of 1 or more, got " + std::to_string(o.max_len) + " and " +
                     std::to_string(o.d_model));
  if (o.max_len > most_steps)
    throw ValueError(label + "expected max_len of at most 2^24 = 16777216, got " + std::to_string(o.max_len));
  check_known(label, "layout", o.layout, {"interleaved", "halves"});
  check_known(label, "merge_mode", o.merge_mode, {"auto", "add", "none"});
  if (!(o.max_wavelength >= 1 && o.max_wavelength <= 1e30f))
    throw ValueError(label + "expected a max_wavelength from 1 to 1e30, got " + number_text(o.max_wavelength));
  return o;
}

}  // namespace

static std::shared_ptr<LayerBase> implement(PositionalEmbeddingOptions options) {
  return make_layer<PositionalEmbeddingLayer>(checked(std::move(options)));
}
template class LayerOf<PositionalEmbeddingOptions, PositionalEmbedding>;

std::shared_ptr<const float[]> PositionalEmbedding::encoding(std::int64_t seq_len) const {
  return static_cast<const PositionalEmbeddingLayer&>(base()).encoding(seq_len);
}

}  // namespace xl
