#include "xlayers/layers/positional_embedding.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>

#include "xlayers/framework/composite.hpp"
#include "xlayers/framework/errors.hpp"
#include "xlayers/framework/memory.hpp"
#include "xlayers/framework/primitive.hpp"

namespace xl {

static void serialize(Archive& archive, PositionalEmbedding::Options& o) {
  archive("max_len", o.max_len);
  archive("d_model", o.d_model);
  archive("layout", o.layout);
  archive("merge_mode", o.merge_mode);
  archive("extrapolate", o.extrapolate);
  archive("max_wavelength", o.max_wavelength);
}

namespace {

// The encodings of the positions from 0 on, made when they are first asked for. All layers of the process with
// the same parameters share one table.
class SinusoidTable {
 public:
  static std::shared_ptr<SinusoidTable> shared(const PositionalEmbedding::Options& o) {
    static std::mutex mutex;
    static std::map<std::tuple<int, std::string, float>, std::weak_ptr<SinusoidTable>> tables;
    const std::lock_guard lock(mutex);
    std::erase_if(tables, [](const auto& entry) { return entry.second.expired(); });
    std::weak_ptr<SinusoidTable>& known = tables[{o.d_model, o.layout, o.max_wavelength}];
    std::shared_ptr<SinusoidTable> table = known.lock();
    if (!table) known = table = std::make_shared<SinusoidTable>(o);
    return table;
  }

  explicit SinusoidTable(const PositionalEmbedding::Options& o)
      : encoding_{.d_model = o.d_model, .layout = o.layout, .max_wavelength = o.max_wavelength} {}

  // At least `length` rows. They stay where they are as long as the pointer lives: when the table grows, it is
  // by a new one beside the old. `reserve` is how many rows it should have at once if there are too few.
  std::shared_ptr<const float> rows(std::int64_t length, std::int64_t reserve) {
    const std::lock_guard lock(mutex_);
    if (length > length_) {
      const std::int64_t grown = std::max(length, reserve);
      auto memory = std::make_shared<AlignedFloats>(grown * encoding_.d_model);
      if (rows_) std::copy_n(rows_.get(), length_ * encoding_.d_model, memory->data());
      PositionalEncodingOptions missing = encoding_;
      missing.start = length_;
      missing.length = grown - length_;
      positional_encoding({memory->data() + length_ * encoding_.d_model,
                           static_cast<std::size_t>(missing.length * encoding_.d_model)},
                          missing);
      rows_ = {memory, memory->data()};
      length_ = grown;
    }
    return rows_;
  }

 private:
  const PositionalEncodingOptions encoding_;
  std::mutex mutex_;
  std::int64_t length_ = 0;
  std::shared_ptr<const float> rows_;
};

// (batch, seq_len, ...) -> (1, seq_len, d_model): rows of the table, handed out as they are.
class PositionalTable final : public PrimitiveLayer {
 public:
  explicit PositionalTable(const PositionalEmbedding::Options& o)
      : options_(o), table_(SinusoidTable::shared(o)) {}

  // It is a part of the layer below and speaks in its name.
  std::string_view class_name() const override { return "PositionalEmbedding"; }
  Config get_config() const override { return {}; }
  bool is_constant() const override { return true; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    const Shape& x = inputs.at(0).shape;
    if (x[1] != None && x[1] > options_.max_len && !options_.extrapolate)
      shape_error("at most max_len = " + std::to_string(options_.max_len) +
                      " steps (extrapolate = true serves any number)",
                  x);
    return {{{1, x[1], options_.d_model}, DType::float32, false}};
  }
  std::shared_ptr<const float> constant(const TensorSpecs& inputs) const override {
    return table_->rows(inputs[0].shape[1], options_.max_len);
  }
  void forward(const ForwardCall&) const override {}
  void backward(const BackwardCall&) const override {}

 private:
  const PositionalEmbedding::Options options_;
  const std::shared_ptr<SinusoidTable> table_;
};

class PositionalEmbeddingLayer final
    : public WithOptions<CompositeLayer, PositionalEmbedding::Options> {
 public:
  explicit PositionalEmbeddingLayer(PositionalEmbedding::Options o)
      : WithOptions(o), table_(std::make_shared<PositionalTable>(o)) {}

  std::string_view class_name() const override { return "PositionalEmbedding"; }
  void set_name(const std::string& name) override {
    CompositeLayer::set_name(name);
    table_.base().set_name(name);
  }

  SymbolicTensors call(const SymbolicTensors& inputs, CallContext context) const override {
    const SymbolicTensor& x = inputs.at(0);
    check(x.shape(), adds(context));
    const SymbolicTensor encoding = table_(x);
    return {adds(context) ? x + encoding : encoding};
  }

 private:
  bool adds(CallContext context) const {
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

PositionalEmbedding::Options checked(PositionalEmbedding::Options o) {
  const std::string label = "[PositionalEmbedding" + (o.name.empty() ? "" : " '" + o.name + "'") + "] ";
  if (o.max_len < 1 || o.d_model < 1)
    throw ValueError(label + "expected max_len and d_model of 1 or more, got " +
                     std::to_string(o.max_len) + " and " + std::to_string(o.d_model));
  if (o.layout != "interleaved" && o.layout != "halves")
    throw ValueError(label + "unknown layout '" + o.layout + "'; known are interleaved, halves");
  if (o.merge_mode != "auto" && o.merge_mode != "add" && o.merge_mode != "none")
    throw ValueError(label + "unknown merge_mode '" + o.merge_mode + "'; known are auto, add, none");
  if (!(o.max_wavelength > 0) || o.max_wavelength > 1e30f)
    throw ValueError(label + "expected a max_wavelength above 0, got " + std::to_string(o.max_wavelength));
  return o;
}

}  // namespace

PositionalEmbedding::PositionalEmbedding(Options options)
    : Layer(make_layer<PositionalEmbeddingLayer>(checked(std::move(options)))) {}
PositionalEmbedding PositionalEmbedding::from_config(const Config& config) {
  return PositionalEmbedding(options_from_config<Options>(config, "PositionalEmbedding"));
}

namespace detail {
void register_positional_embedding() {
  register_layer("PositionalEmbedding", PositionalEmbedding::from_config);
}
}  // namespace detail

}  // namespace xl
