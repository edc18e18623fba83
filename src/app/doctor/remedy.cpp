#include "app/doctor/remedy.hpp"

#include "nft/kernel_abi.hpp"

#include <algorithm>
#include <cctype>

namespace healthgate::app::doctor {
namespace {

using nft::Obstacle;

std::string joined(const std::vector<std::uint16_t>& ports, const std::string& between) {
  std::string text;
  for (const auto port : ports) {
    text += (text.empty() ? "" : between) + std::to_string(port);
  }
  return text;
}

// Part of a command that somebody will paste into a root shell.
bool is_plain(const std::string& name) {
  return !name.empty() && name.front() != '-' && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
  });
}

// firewalld names a zone's chains filter_IN_ZONE, filter_IN_ZONE_allow, ...; policies' filter_IN_policy_NAME.
std::string firewalld_zone(const Obstacle& obstacle) {
  const std::string prefix = "filter_IN_";
  for (const std::string& chain : obstacle.visited) {
    const std::string zone = chain.compare(0, prefix.size(), prefix) == 0 ? chain.substr(prefix.size()) : "";
    if (is_plain(zone) && zone.compare(0, 7, "policy_") != 0) {
      return zone;
    }
  }
  return "";
}

Remedy firewalld(const Obstacle& obstacle, const std::vector<std::uint16_t>& ports) {
  const std::string zone = firewalld_zone(obstacle);
  std::string command = "firewall-cmd --permanent" + (zone.empty() ? "" : " --zone=" + zone);
  for (const auto port : ports) {
    command += " --add-port=" + std::to_string(port) + "/tcp";
  }
  return {command + " && firewall-cmd --reload", ""};
}

// Tables and chains of iptables-nft keep the names of iptables.
bool is_iptables(const Obstacle& obstacle) {
  const auto is_one_of = [](const std::string& name, std::initializer_list<const char*> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return (obstacle.family == NFPROTO_IPV4 || obstacle.family == NFPROTO_IPV6) &&
         is_one_of(obstacle.table, {"filter", "raw", "mangle", "nat", "security"}) &&
         is_one_of(obstacle.base_chain, {"PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"});
}

Remedy iptables(const Obstacle& obstacle, const std::vector<std::uint16_t>& ports) {
  const std::string program = obstacle.family == NFPROTO_IPV6 ? "ip6tables" : "iptables";
  const std::string end = obstacle.answer ? "sport" : "dport";
  const std::string match = ports.size() == 1 ? "--" + end + " " + joined(ports, "")
                                              : "-m multiport --" + end + "s " + joined(ports, ",");
  return {program + (obstacle.table == "filter" ? "" : " -t " + obstacle.table) + " -I " +
              obstacle.base_chain + " -p tcp " + match + " -j ACCEPT",
          "save it as this host saves its rules: netfilter-persistent save, or " + program + "-save"};
}

std::string port_match(const Obstacle& obstacle, const std::vector<std::uint16_t>& ports) {
  return std::string("tcp ") + (obstacle.answer ? "sport " : "dport ") +
         (ports.size() == 1 ? joined(ports, "") : "'{ " + joined(ports, ", ") + " }'");
}

Remedy plain_nft(const Obstacle& obstacle, const std::vector<std::uint16_t>& ports) {
  const std::string table = std::string(nft::family_text(obstacle.family)) + " " + obstacle.table;
  if (!is_plain(obstacle.table) || !is_plain(obstacle.base_chain)) {
    return {"let " + port_match(obstacle, ports) + " pass at the head of that chain", ""};
  }
  if ((obstacle.table_flags & nft::flag_owner) != 0) {
    return {"tell the program that owns table " + table + " to let " + port_match(obstacle, ports) + " pass",
            ""};
  }
  const std::string command =
      "nft insert rule " + table + " " + obstacle.base_chain + " " + port_match(obstacle, ports) + " accept";
  if (table == "inet openshift_filter") {
    return {command, "add TCP " + joined(ports, ", ") +
                         " to the custom entries of the commatrix, whose MachineConfig writes this table"};
  }
  return {command, "the same rule in the file that loads table " + table};
}

} // namespace

Remedy remedy_for(const Obstacle& obstacle, const std::vector<std::uint16_t>& ports) {
  if (obstacle.table == "firewalld" && !obstacle.answer) {
    return firewalld(obstacle, ports);
  }
  return is_iptables(obstacle) ? iptables(obstacle, ports) : plain_nft(obstacle, ports);
}

} // namespace healthgate::app::doctor
