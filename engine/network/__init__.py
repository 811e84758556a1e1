"""Networks: netlink, bridges, veth pairs, addresses, the firewall and the map of them."""
