typedef int image_none;
