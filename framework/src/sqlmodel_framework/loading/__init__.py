"""How rows arrive: sources, rules, and the contract that a table's declaration makes."""
