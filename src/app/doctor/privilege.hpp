#pragma once

namespace healthgate::app::doctor {

// CAP_NET_ADMIN, without which nf_tables shows nothing. The check `privilege` says so once for all.
[[nodiscard]] bool may_read_rules();

} // namespace healthgate::app::doctor
