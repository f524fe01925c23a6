"""MariaDB, through PyMySQL."""
