"""How the system is: what it did, what it lacks, and what a person must mend."""
