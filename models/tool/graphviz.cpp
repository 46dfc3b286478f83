#include "xlayers/models/tool/graphviz.hpp"

#ifdef XLAYERS_GRAPHVIZ
#include <graphviz/gvc.h>
#endif

#include <memory>

#include "xlayers/framework/base/errors.hpp"

namespace xl::tool {

#ifdef XLAYERS_GRAPHVIZ

bool can_draw() { return true; }

std::string drawn(const std::string& dot, const std::string& format) {
  const std::unique_ptr<GVC_t, int (*)(GVC_t*)> context(gvContext(), gvFreeContext);
  const std::unique_ptr<Agraph_t, int (*)(Agraph_t*)> graph(agmemread(dot.c_str()), agclose);
  if (!context || !graph || gvLayout(context.get(), graph.get(), "dot") != 0)
    throw ValueError("Graphviz cannot lay out the graph of this model");
  char* bytes = nullptr;
  unsigned int count = 0;
  const bool done = gvRenderData(context.get(), graph.get(), format.c_str(), &bytes, &count) == 0 && bytes != nullptr;
  std::string picture;
  if (done) picture.assign(bytes, count);
  gvFreeRenderData(bytes);
  gvFreeLayout(context.get(), graph.get());
  if (!done) throw ValueError("Graphviz cannot make a ." + format + " file: its plug-in for that is not there");
  return picture;
}

#else

bool can_draw() { return false; }

std::string drawn(const std::string&, const std::string&) {
  throw ValueError("this program was built without Graphviz");
}

#endif

}  // namespace xl::tool
