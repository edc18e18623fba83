# Embeds nft-templates/*.nft into healthgate_nft as nft/templates.hpp declares them.
file(GLOB template_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/nft-templates/*.nft)
set(template_rows "")
foreach(file ${template_files})
  file(READ ${file} text)
  get_filename_component(name ${file} NAME_WE)
  string(APPEND template_rows "    {\"${name}\", R\"nft(${text})nft\"},\n")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
endforeach()
file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/generated/nft_templates.cpp CONTENT
"// Made by src/nft/templates.cmake from nft-templates/.
#include \"nft/templates.hpp\"

namespace healthgate::nft {
namespace {

struct Row {
  std::string_view name;
  std::string_view text;
};

constexpr Row rows[] = {
${template_rows}};

} // namespace

std::string_view template_text(std::string_view name) {
  for (const Row& row : rows) {
    if (row.name == name) {
      return row.text;
    }
  }
  return {};
}

} // namespace healthgate::nft
")
target_sources(healthgate_nft PRIVATE ${CMAKE_BINARY_DIR}/generated/nft_templates.cpp)
