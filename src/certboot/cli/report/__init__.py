"""What the doctor found, in its forms: text, a terminal's colours, JSON, and a page to hand on."""
