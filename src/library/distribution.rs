//! Distribution families.
