#include "xlayers/models/files/model_format.hpp"

#include <vector>

#include "xlayers/framework/base/errors.hpp"

namespace xl {
namespace {

std::vector<ModelFormat>& formats() {
  static std::vector<ModelFormat> known;
  return known;
}

}  // namespace

void register_model_format(ModelFormat format) { formats().push_back(std::move(format)); }

template <class What>
const ModelFormat& model_format_of(const std::string& path, const char* to_do, const std::string& own,
                                   What ModelFormat::*what) {
  for (const ModelFormat& format : formats())
    if (path.ends_with(format.ending) && format.*what) return format;
  std::string endings = own;
  for (const ModelFormat& format : formats())
    if (format.*what) endings += " or " + format.ending;
  const bool of_keras = path.ends_with(".keras") || path.ends_with(".weights.h5");
  throw ValueError(std::string("cannot ") + to_do + " '" + path + "': expected a path that ends in " + endings +
                   (of_keras && formats().empty()
                        ? "; Keras' files are for the component keras of xlayers, to link as xlayers::keras"
                        : ""));
}

#define XLAYERS_FOR(member)                                                                        \
  template const ModelFormat& model_format_of(const std::string&, const char*, const std::string&, \
                                              decltype(ModelFormat::member) ModelFormat::*)
XLAYERS_FOR(save);
XLAYERS_FOR(load);
XLAYERS_FOR(save_weights);
XLAYERS_FOR(load_weights);
XLAYERS_FOR(list_weights);

}  // namespace xl
