#pragma once

// The one place that includes xtensor. From 0.26 on its headers stand in folders.

#if __has_include(<xtensor/containers/xarray.hpp>)
#include <xtensor/containers/xarray.hpp>
#else
#include <xtensor/xarray.hpp>

// xtensor before 0.26 chooses the type of its temporaries with a template that is guarded by
// `__cplusplus == 201703L`. Under C++20 an xarray's temporary would become an `xtensor<T, 4>`, which
// crashes or gives wrong values in reductions, transpose, pad and others. Full specialisations for
// the two shapes that occur bring the xarray back.
namespace xt::detail {
template <>
struct xtype_for_shape<xt::dynamic_shape<std::size_t> > {
  template <class T, xt::layout_type L>
  using type = xt::xarray<T, L>;
};
template <>
struct xtype_for_shape<xt::dynamic_shape<std::ptrdiff_t> > {
  template <class T, xt::layout_type L>
  using type = xt::xarray<T, L>;
};
}  // namespace xt::detail
#endif
