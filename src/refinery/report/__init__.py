"""What people see of a run or a plan: tables in the terminal."""
