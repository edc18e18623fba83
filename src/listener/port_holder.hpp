// Who holds a TCP port, for the message that says why ours could not be bound.
#pragma once

#include <cstdint>
#include <string>

namespace healthgate::listener {

// "haproxy (pid 812)", or less where less can be known: "a process of user haproxy" (another user's
// descriptors are hidden without CAP_SYS_PTRACE), "another program" (a socket that is bound but does not
// listen is in no list). Reads /proc for some milliseconds; looks at the network namespace of the calling
// thread.
std::string port_holder(std::uint16_t port);

} // namespace healthgate::listener
