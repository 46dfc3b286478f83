#pragma once

#include <functional>
#include <string>
#include <vector>

#include "xlayers/models/keras/hdf5_file.hpp"
#include "xlayers/models/model/model_base.hpp"

// Internal: the variables of a model and of its optimizer in HDF5, as Keras keeps them.

namespace xl {

/// Reads the variables of the model. Throws, before anything changes, ShapeError or ValueError that name the weight and the
/// dataset if one is not there or has another shape, and ValueError for a dataset that is no variable of the model.
///
/// With `skipped`, what does not fit stays as it is, and is said there.
void read_keras_weights(const Hdf5Reader& file, const ModelBase& model, std::vector<std::string>* skipped = nullptr);

/// Reads the optimizer of a model that is compiled, if the file has one, so that its training goes on. Throws as
/// read_keras_weights.
void read_keras_optimizer(const Hdf5Reader& file, ModelBase& model);

/// The file: the variables, and, with an optimizer that has made a step, those of the optimizer.
std::string keras_weights(const ModelBase& model, bool with_optimizer);

}  // namespace xl
